"""A fake EGX and the command line in front of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from click.testing import CliRunner

from egx_project.cli import main
from tests.egx_project.cli.fake_egx import FakeEgx

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Ran:
    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """stdout, which must be one JSON document and nothing else."""
        return json.loads(self.stdout)


class Egx(Protocol):
    def __call__(self, *arguments: str, stdin: bytes = b"") -> Ran: ...


@pytest.fixture
def data_dir(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A host without EGX."""
    with short_folder() as folder:
        monkeypatch.setenv("EGX_DATA_DIR", folder)
        yield Path(folder)


def short_folder() -> tempfile.TemporaryDirectory[str]:
    """Not tmp_path: that is too long for a Unix socket."""
    return tempfile.TemporaryDirectory(prefix="egx-", dir="/tmp")


@pytest.fixture(scope="session")
def served() -> Iterator[FakeEgx]:
    with short_folder() as folder:
        fake = FakeEgx(Path(folder))
        yield fake
        fake.stop()


@pytest.fixture
def fake(served: FakeEgx, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEgx:
    """A host with an EGX that has nothing to say yet."""
    monkeypatch.setenv("EGX_DATA_DIR", str(served.folder))
    served.reset()
    served.start()
    return served


@pytest.fixture
def egx(data_dir: Path) -> Egx:
    """`egx`, in this process."""

    def run(*arguments: str, stdin: bytes = b"") -> Ran:
        with CliRunner().isolation(input=stdin) as (stdout, stderr, _):
            try:
                code = main(arguments)
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
            sys.stdout.flush()
            sys.stderr.flush()
            return Ran(code, stdout.getvalue().decode(), stderr.getvalue().decode())

    return run


@dataclass(frozen=True)
class Started:
    """`egx` as a process of its own."""

    process: subprocess.Popen[bytes]

    def end(self, encoding: str = "utf-8") -> Ran:
        stdout, stderr = self.process.communicate(timeout=30)
        return Ran(self.process.returncode, (stdout or b"").decode(encoding), (stderr or b"").decode())


class Start(Protocol):
    def __call__(self, *arguments: str, **options: Any) -> Started: ...


@pytest.fixture
def start(data_dir: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: str, **options: Any) -> Started:
        channels: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "env": os.environ | {"PYTHONUNBUFFERED": "1"},
        }
        command = [sys.executable, "-m", "egx_project.cli", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, **(channels | options))
        started.append(process)
        return Started(process)

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
