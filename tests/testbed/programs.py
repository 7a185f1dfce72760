"""Other programs: run to their end, or started to stay, noted, and ended by what was noted alone."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Self

from egx_project.lib import atomic
from egx_project.lib.clock import SystemClock, wait_for
from tests.testbed.places import TestbedError, folder

END_SECONDS = 60.0
LAST_LINES = 20
NOTE = ".json"


def run(argv: list[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """What it printed. Raises TestbedError with its last lines where it failed."""
    done = subprocess.run(
        argv,
        env={**os.environ, **(env or {})},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise TestbedError(
            f"`{shlex.join(argv)}` failed with status {done.returncode}:\n{_last(done.stdout + done.stderr)}"
        )
    return done.stdout


class _Noted(NamedTuple):
    pid: int
    start: str
    """When it was started, as the kernel says it: a later process of the same number has another."""


class Service:
    """A program that stays when the testbed's own process ends."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.log = folder("log") / f"{name}.log"
        self._note = folder("run") / f"{name}{NOTE}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self, argv: list[str], *, answers: Callable[[], bool], seconds: float, env: Mapping[str, str] | None = None
    ) -> None:
        """Started, and back when it answers. Raises TestbedError."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                argv,
                env={**os.environ, **(env or {})},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._process = process
        atomic.write_json(self._note, _Noted(process.pid, _start(process.pid))._asdict())

        def look() -> bool | None:
            return True if process.poll() is not None or answers() else None

        wait_for(look, clock=SystemClock(), seconds=seconds, every=0.1)
        if process.poll() is not None:
            self._note.unlink()
            raise TestbedError(f"{self.name} ended with status {process.returncode}:\n{self.last_lines()}")
        if not answers():
            self.end()
            raise TestbedError(f"{self.name} did not answer for {seconds:.0f} s:\n{self.last_lines()}")

    def pid(self) -> int | None:
        """Of the process that was started here, while it runs."""
        noted = self._noted()
        return noted.pid if noted and noted.start == _start(noted.pid) else None

    def end(self) -> bool:
        """Whether there was one to end."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            gone = wait_for(lambda: True if self.pid() is None else None, clock=SystemClock(), seconds=END_SECONDS)
            if not gone:
                raise TestbedError(f"{self.name}, process {pid}, goes on after SIGTERM; see {self.log}")
        if self._process is not None:
            self._process.wait()
        self._note.unlink(missing_ok=True)
        return pid is not None

    def last_lines(self) -> str:
        return _last(self.log.read_text(errors="replace")) if self.log.exists() else ""

    @classmethod
    def all(cls) -> list[Self]:
        """That were noted, the ones that need others first."""
        return [cls(note.stem) for note in sorted(folder("run").glob(f"*{NOTE}"), reverse=True)]

    def _noted(self) -> _Noted | None:
        noted = atomic.read_json(self._note)
        return _Noted(**noted) if noted else None


def _start(pid: int) -> str:
    """Empty for a process that is not there, or has ended and only waits to be reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
    state, ticks = fields[0], fields[19]
    return "" if state in "ZX" else f"{boot}/{ticks}"


def _last(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-LAST_LINES:])
