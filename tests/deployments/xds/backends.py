"""A backend that says what it was asked."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gateways.spec.snapshot import Endpoint

SLOW_SECONDS = 1.0


class _Server(ThreadingHTTPServer):
    name = ""


class _ServerOverIPv6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together: apart, each answer waits 40 ms for a delayed acknowledgement

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        if self.headers.get("Upgrade") == "websocket":
            self._echo()
            return
        if self.path == "/slow":
            time.sleep(SLOW_SECONDS)
        said = {
            "backend": self.server.name,
            "method": self.command,
            "path": self.path,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
        }
        body = json.dumps(said).encode()
        with contextlib.suppress(ConnectionError):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Own", "backend")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    def _echo(self) -> None:
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", "websocket")
        self.end_headers()
        self.wfile.flush()
        while received := self.connection.recv(1024):
            self.connection.sendall(received)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


@contextlib.contextmanager
def echo(name: str, *, host: str = "127.0.0.1") -> Iterator[Endpoint]:
    server = _Server((host, 0), _Handler) if host == "127.0.0.1" else _ServerOverIPv6((host, 0), _Handler)
    server.name = name
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Endpoint(host=host, port=server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
