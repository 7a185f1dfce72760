"""This machine, for tests: free ports, a backend, and what processes a data directory has."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import psutil

from deployments.drivers.process.units import all_units


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_ports(count: int) -> list[int]:
    """All different: each stays taken until the last is found."""
    with ExitStack() as taken:
        probes = [taken.enter_context(closing(socket.socket())) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


class _Says(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    says: ClassVar[bytes] = b"ok"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(self.says)))
        self.end_headers()
        self.wfile.write(self.says)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name in the standard library
        pass


@contextmanager
def backend(host: str = "127.0.0.1", *, says: str = "ok") -> Iterator[int]:
    """The port of a backend that answers so; containers reach it where `host` is 0.0.0.0."""
    handler = type("Says", (_Says,), {"says": says.encode()})
    server = ThreadingHTTPServer((host, 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def stop_units(home: Path) -> None:
    for unit in all_units(home / "run"):
        unit.stop()


def processes_below(home: Path) -> set[int]:
    """Every Envoy that works in the data directory, known to EGX or not."""
    found = set()
    for process in psutil.process_iter(["cwd", "name"]):
        cwd = process.info["cwd"]
        if process.info["name"] == "envoy" and cwd and Path(cwd).is_relative_to(home):
            found.add(process.pid)
    return found


def processes_of_units(home: Path) -> set[int]:
    return {running.pid for unit in all_units(home / "run") if (running := unit.running())}
