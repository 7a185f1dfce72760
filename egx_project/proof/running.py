"""An EGX of its own, on a data directory of its own: nothing of the user's is touched, and nothing is left."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployments.drivers.process.units import all_units
from egx_project.cli.client import Client
from egx_project.lib.clock import SystemClock, wait_for
from egx_project.lib.errors import EgxError
from egx_project.settings.location import socket_path

CLOCK = SystemClock()
START_SECONDS = 60.0
SETTLE_SECONDS = 180.0
STOP_SECONDS = 30.0


class RunningError(EgxError):
    title = "It did not run"


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """Unix socket paths are short."""
    folder = Path(tempfile.mkdtemp(prefix="egx-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Egx:
    """`egx up` over a data directory of its own."""

    home: Path
    environment: Mapping[str, str]
    port: int
    process: subprocess.Popen[bytes]

    @classmethod
    def started(cls, home: Path, environment: Mapping[str, str]) -> Egx:
        port = free_port()
        return cls(home, environment, port, _up(home, environment, port))

    def kill(self) -> None:
        """All of EGX, with SIGKILL; its gateways are processes of their own."""
        self.process.kill()
        self.process.wait()

    def start_again(self) -> None:
        self.process = _up(self.home, self.environment, self.port)

    def client(self) -> Client:
        return Client(socket_path(self.home))

    def apply(self, text: str, *, target: str = "") -> dict[str, Any]:
        """The answer to an apply, whose operations may still be under way."""
        body: dict[str, Any] = {"sources": [{"name": "gateway.yaml", "text": text}]}
        if target:
            body["target"] = target
        with self.client() as client:
            answer: dict[str, Any] = client.post("/apply", body)
            return answer

    def settle(self) -> None:
        """Return when no operation is under way."""

        def over() -> bool | None:
            with self.client() as client:
                return all(one["finished_at"] for one in client.get("/operations")["items"]) or None

        if wait_for(over, clock=CLOCK, seconds=SETTLE_SECONDS) is None:
            raise RunningError(f"operations have not ended after {SETTLE_SECONDS:g} s")

    def change(self, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Ask for a change and return its operation as it ended."""
        with self.client() as client:
            asked = client.post(path, body or {})["operations"][0]["id"]
        return self.ended(asked)

    def ended(self, operation: int) -> dict[str, Any]:
        def over() -> dict[str, Any] | None:
            with self.client() as client:
                found: dict[str, Any] = client.get(f"/operations/{operation}")
            return found if found["finished_at"] else None

        found = wait_for(over, clock=CLOCK, seconds=SETTLE_SECONDS)
        if found is None:
            raise RunningError(f"operation {operation} has not ended after {SETTLE_SECONDS:g} s")
        return found

    def unit_pid(self, name: str) -> int:
        for unit in all_units(self.home / "run"):
            running = unit.running()
            if unit.name == name and running:
                return running.pid
        raise RunningError(f"no {name} runs")


@contextlib.contextmanager
def egx(**environment: str) -> Iterator[Egx]:
    """EGX without its demo, as a user starts it in the foreground; at the end everything it started is ended."""
    with short_folder() as home:
        running = Egx.started(home, {"EGX_LOG_LEVEL": "warning", **environment})
        try:
            yield running
        finally:
            running.process.send_signal(signal.SIGTERM)
            running.process.wait(timeout=STOP_SECONDS)
            for unit in all_units(home / "run"):
                unit.stop()


def _up(home: Path, environment: Mapping[str, str], port: int) -> subprocess.Popen[bytes]:
    """Return once it answers. Raises RunningError with what it said."""
    # As a user starts it: with the settings of a test suite around it, it would be another EGX.
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    settings = {**inherited, "EGX_DATA_DIR": str(home), **environment}
    argv = [sys.executable, "-m", "egx_project.cli", "up", "--no-demo", "--port", str(port)]
    with (home / "egx.log").open("ab") as log:
        process = subprocess.Popen(argv, env=settings, stdout=log, stderr=log)
    if wait_for(lambda: _answers(home) or None, clock=CLOCK, seconds=START_SECONDS) is None:
        process.kill()
        process.wait()
        raise RunningError(f"EGX does not start: {(home / 'egx.log').read_text()}")
    return process


def _answers(home: Path) -> bool:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as knocking:
        return knocking.connect_ex(str(socket_path(home))) == 0


@contextlib.contextmanager
def backend_process(host: str = "127.0.0.1") -> Iterator[int]:
    """The port of EGX's own test backend, in a process of its own; containers reach it where `host` is 0.0.0.0."""
    argv = [sys.executable, "-m", "egx_project.test_backend", "--host", host, "--port", str(port := free_port())]
    with listening(argv, port=port):
        yield port


@contextlib.contextmanager
def listening(argv: list[str], *, port: int, cwd: Path | None = None) -> Iterator[None]:
    """The program, from the moment that it accepts on the port to the end of the block."""
    process = subprocess.Popen(argv, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_port(port)
        yield
    finally:
        process.terminate()
        process.wait(timeout=STOP_SECONDS)


def await_port(port: int) -> None:
    """Return when something listens there. Raises RunningError."""

    def accepts() -> bool | None:
        with contextlib.closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0 or None

    if wait_for(accepts, clock=CLOCK, seconds=START_SECONDS) is None:
        raise RunningError(f"nothing listens on {port}")
