"""A registry on loopback that says whatever a test tells it to, and a little of what a real one says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from updates.channels.oci import manifests

IMAGE = "envoyproxy/gateway"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]


Behaviour = Callable[["Handler"], bool]
"""Answers a request in its own way; False leaves it to the registry."""


@dataclass
class Shelf:
    tags: dict[str, str] = field(default_factory=dict)
    """The digest that each points at."""
    documents: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Manifests by digest: type and bytes."""
    blobs: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    """Of every answer."""
    referrers: bool = False
    """Whether it has the API for them."""
    asked: list[Asked] = field(default_factory=list)
    behaviour: Behaviour | None = None
    host: str = ""

    def put_blob(self, content: bytes) -> dict[str, Any]:
        digest = manifests.digest_of(content)
        self.blobs[digest] = content
        return {"digest": digest, "size": len(content)}

    def put(self, document: Mapping[str, Any], *, tag: str = "") -> str:
        raw = json.dumps(document).encode()
        digest = manifests.digest_of(raw)
        self.documents[digest] = (str(document["mediaType"]), raw)
        if tag:
            self.tags[tag] = digest
        return digest

    def offer(self, tag: str, *, content: bytes = b"a layer", architecture: str = "") -> str:
        """An image for this machine, or another one; its digest."""
        arch = architecture or manifests.architecture()
        config = self.put_blob(json.dumps({"os": "linux", "architecture": arch}).encode())
        image = {
            "schemaVersion": 2, "mediaType": manifests.MANIFEST, "config": {"mediaType": CONFIG, **config},
            "layers": [{"mediaType": LAYER, **self.put_blob(content)}],
        }  # fmt: skip
        entry = {
            "mediaType": manifests.MANIFEST, "digest": self.put(image), "size": len(json.dumps(image)),
            "platform": {"os": "linux", "architecture": arch},
        }  # fmt: skip
        return self.put({"schemaVersion": 2, "mediaType": manifests.INDEX, "manifests": [entry]}, tag=tag)

    def counted(self, method: str, part: str = "") -> int:
        return sum(one.method == method and part in one.path for one in self.asked)

    def referring(self, digest: str) -> dict[str, Any]:
        found = []
        for own, (kind, raw) in self.documents.items():
            document = json.loads(raw)
            if (document.get("subject") or {}).get("digest") == digest:
                sort = document.get("artifactType", "")
                found.append({"mediaType": kind, "digest": own, "size": len(raw), "artifactType": sort})
        return {"schemaVersion": 2, "mediaType": manifests.INDEX, "manifests": found}


class Handler(BaseHTTPRequestHandler):
    shelf: Shelf
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer_one()

    def do_GET(self) -> None:
        self._answer_one()

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self._answer_one()

    body = b""

    def _answer_one(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.shelf.asked.append(Asked(self.command, self.path, headers))
        if not (self.shelf.behaviour and self.shelf.behaviour(self)):
            self._as_a_registry(urlsplit(self.path).path.removeprefix(f"/v2/{IMAGE}/"))

    def _as_a_registry(self, path: str) -> None:
        kind, _, name = path.partition("/")
        if path == "/v2/":
            self.answer(200, b"{}", {"content-type": "application/json"})
        elif path == "tags/list":
            page = {"name": IMAGE, "tags": list(self.shelf.tags)}
            self.answer(200, json.dumps(page).encode(), {"content-type": "application/json"})
        elif kind == "manifests":
            self._manifest(self.shelf.tags.get(name, name))
        elif kind == "blobs" and name in self.shelf.blobs:
            self.answer(200, self.shelf.blobs[name])
        elif kind == "referrers" and self.shelf.referrers:
            self.answer(200, json.dumps(self.shelf.referring(name)).encode(), {"content-type": manifests.INDEX})
        else:
            self.answer(404, b'{"errors": []}')

    def _manifest(self, digest: str) -> None:
        if digest not in self.shelf.documents:
            self.answer(404, b'{"errors": []}')
            return
        kind, raw = self.shelf.documents[digest]
        facts = {"content-type": kind, "docker-content-digest": digest, "etag": f'"{digest}"'}
        if self.headers.get("if-none-match") == f'"{digest}"':
            self.answer(304, b"", facts)
        else:
            self.answer(200, raw, facts)

    def answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**self.shelf.headers, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Said by the list of requests, not on a terminal."""


@contextmanager
def serving() -> Iterator[Shelf]:
    shelf = Shelf()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("ShelfHandler", (Handler,), {"shelf": shelf}))
    server.daemon_threads = True
    shelf.host = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield shelf
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def only(path: str, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Behaviour:
    """This answer to whatever has `path` in its address."""

    def behave(handler: Handler) -> bool:
        if path not in handler.path:
            return False
        handler.answer(status, body, headers)
        return True

    return behave
