"""What the subjects share: an EGX of their own, a fast backend, a load generator. Everything on loopback."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from deployments.drivers.process.units import all_units
from egx_project.cli.client import Client
from egx_project.lib.clock import SystemClock, wait_for
from egx_project.settings.location import socket_path

CLOCK = SystemClock()
START_SECONDS = 30.0


class MissingError(Exception):
    """A tool that the subject needs is not installed."""


def tool(name: str) -> str:
    """The path of a program. Raises MissingError with the package that has it."""
    packages = {"h2load": "nghttp2-client", "nginx": "nginx-light"}
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        raise MissingError(f"{name} is not installed (Debian: apt-get install {packages.get(name, name)})")
    return found


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


@dataclass(frozen=True)
class Egx:
    """A running `egx up` over a data directory of its own."""

    home: Path
    process: subprocess.Popen[bytes]

    def client(self) -> Client:
        return Client(socket_path(self.home))

    def apply(self, text: str) -> dict[str, Any]:
        """The answer to an apply, whose operations may still be under way."""
        with self.client() as client:
            answer: dict[str, Any] = client.post("/apply", {"sources": [{"name": "bench.yaml", "text": text}]})
            return answer

    def settle(self) -> None:
        """Return when no operation is under way."""
        with self.client() as client:
            settled = wait_for(
                lambda: all(one["finished_at"] for one in client.get("/operations")["items"]) or None,
                clock=CLOCK,
                seconds=START_SECONDS,
            )
        if settled is None:
            raise RuntimeError("operations do not end")

    def unit_pid(self, name: str) -> int:
        for unit in all_units(self.home / "run"):
            running = unit.running()
            if unit.name == name and running:
                return running.pid
        raise RuntimeError(f"no {name} runs")


@contextlib.contextmanager
def egx() -> Iterator[Egx]:
    """EGX without its demo, as a user starts it in the foreground; at the end everything it started is ended."""
    with short_folder() as home:
        environment = {**os.environ, "EGX_DATA_DIR": str(home), "EGX_LOG_LEVEL": "warning"}
        argv = [sys.executable, "-m", "egx_project.cli", "up", "--no-demo", "--port", str(free_port())]
        with (home / "egx.log").open("wb") as log:
            process = subprocess.Popen(argv, env=environment, stdout=log, stderr=log)
        try:
            if wait_for(lambda: _answers(home) or None, clock=CLOCK, seconds=START_SECONDS) is None:
                raise RuntimeError((home / "egx.log").read_text())
            yield Egx(home=home, process=process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)
            for unit in all_units(home / "run"):
                unit.stop()


def _answers(home: Path) -> bool:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as knocking:
        return knocking.connect_ex(str(socket_path(home))) == 0


NGINX = """\
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 3600s;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; location / {{ default_type text/plain; return 200 "{body}"; }} }}
}}
"""


@contextlib.contextmanager
def nginx() -> Iterator[int]:
    """The port of a fast real backend that answers 200 with 512 bytes."""
    binary, port = tool("nginx"), free_port()
    with short_folder() as folder:
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, body="x" * 512))
        argv = [binary, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        with listening(argv, port=port):
            yield port


@contextlib.contextmanager
def application() -> Iterator[int]:
    """The port of a backend that works for its answers: EGX's own test backend."""
    port = free_port()
    with listening([sys.executable, "-m", "egx_project.test_backend", "--port", str(port)], port=port):
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
        process.wait(timeout=10)


def await_port(port: int) -> None:
    def accepts() -> bool | None:
        with contextlib.closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0 or None

    if wait_for(accepts, clock=CLOCK, seconds=START_SECONDS) is None:
        raise RuntimeError(f"nothing listens on {port}")


@dataclass(frozen=True)
class Loaded:
    """What a load got."""

    requests: int
    failed: int
    """Answers other than 2xx, and requests without an answer."""
    per_second: float


def h2load_argv(port: int, *, clients: int, seconds: float, each: int = 0, h2: bool = False) -> list[str]:
    """`each` bounds the requests a second of each client; 0 is as many as go."""
    return [
        tool("h2load"),
        *([] if h2 else ["--h1"]),
        f"--clients={clients}",
        "--threads=1",
        f"--duration={seconds:g}",
        *([f"--rps={each}"] if each else []),
        f"http://127.0.0.1:{port}/",
    ]


def load(port: int, *, clients: int, seconds: float, each: int = 0, h2: bool = False) -> Loaded:
    argv = h2load_argv(port, clients=clients, seconds=seconds, each=each, h2=h2)
    return read_h2load(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


def read_h2load(said: str) -> Loaded:
    """h2load's summary: `finished in 5.00s, 3060.20 req/s, …`, `requests: … succeeded, N failed, N errored, …`."""
    done = re.search(r"finished in .*?, ([0-9.]+) req/s", said)
    counts = re.search(r"(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", said)
    if done is None or counts is None:
        raise RuntimeError(f"h2load said: {said}")
    finished, succeeded, failed, _errored, _timeout = map(int, counts.groups())
    return Loaded(requests=finished, failed=max(failed, finished - succeeded), per_second=float(done.group(1)))


ROUND_SECONDS = 4.0
MOST_ROUNDS = 100


class SteadyLoad:
    """A load beside the block, in rounds; afterwards `requests` and `failed` are what all rounds got."""

    def __init__(self, port: int, *, clients: int, each: int) -> None:
        self.port, self.clients, self.each = port, clients, each
        self.requests = self.failed = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *stopped: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        for _round in range(MOST_ROUNDS):
            got = load(self.port, clients=self.clients, seconds=ROUND_SECONDS, each=self.each)
            self.requests += got.requests
            self.failed += got.failed
            if self._over.is_set():
                return
