"""What the subjects share: an EGX of their own, a fast backend, a load generator. Everything on loopback."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from egx_project.lib.clock import SystemClock, wait_for
from egx_project.proof.running import Egx, backend_process, egx, free_port, listening, short_folder

__all__ = ["Egx", "backend_process", "egx", "free_port", "listening", "short_folder"]


class MissingError(Exception):
    """A tool that the subject needs is not installed."""


def tool(name: str) -> str:
    """The path of a program. Raises MissingError with the package that has it."""
    packages = {"h2load": "nghttp2-client", "nginx": "nginx-light"}
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        raise MissingError(f"{name} is not installed (Debian: apt-get install {packages.get(name, name)})")
    return found


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


def await_answer(port: int, *, host: str = "127.0.0.1", seconds: float = 60.0, every: float = 0.02) -> None:
    """Return when a GET of / is answered with 200; cheap, since what is waited for needs the cores."""

    def answers() -> bool | None:
        with contextlib.closing(http.client.HTTPConnection(host, port, timeout=seconds)) as connection:
            try:
                connection.request("GET", "/")
                return connection.getresponse().status == http.HTTPStatus.OK or None
            except (OSError, http.client.HTTPException):
                return None

    if wait_for(answers, clock=SystemClock(), seconds=seconds, every=every) is None:
        raise RuntimeError(f"{host}:{port} does not answer 200 within {seconds:g} s")


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
