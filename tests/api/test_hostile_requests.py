"""What no client of good will sends: refused, said in the log in one line, and nothing is changed."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.api.client import gateway
from tests.e2e.running import Egx, get

API = "/api/v1"
REFUSED = {400, 401, 403, 404, 405, 413, 414, 415, 431}
LINE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z \[\w+ *\] ")
"""How each line of the log begins, but for those of a traceback."""
XSS = "<script>alert(1)</script>"


def send(egx: Egx, head: str, body: bytes = b"", *, token: str = "") -> int:
    """The status that bytes get which no library would send; 0 where the connection is just closed."""
    lines = [head, *([f"Authorization: Bearer {token}"] if token else []), "Connection: close"]
    if "\r\nhost:" not in head.lower():
        lines.insert(1, f"Host: localhost:{egx.port}")
    with closing(socket.create_connection(("127.0.0.1", egx.port), timeout=20)) as connection:
        try:
            connection.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
            answer = connection.recv(65536)
        except ConnectionError:  # refused before all of it was sent
            return 0
    found = re.match(rb"HTTP/1\.1 (\d{3})", answer)
    return int(found[1]) if found else 0


def put(body: bytes, *headers: str, length: int | None = None, kind: str = "application/json") -> tuple[str, bytes]:
    lines = [
        f"PUT {API}/gateways/hostile HTTP/1.1",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join(lines), body


GOOD = json.dumps(gateway("hostile", port=1)).encode()
CHUNKED = (
    f"PUT {API}/gateways/hostile HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked",
    b"".join(b"10000\r\n" + b"x" * 0x10000 + b"\r\n" for _ in range(100)) + b"0\r\n\r\n",
)
REQUESTS: dict[str, tuple[str, bytes]] = {
    "a path with a line break": (f"GET {API}/gateways/a%0d%0aX-Evil:%20yes HTTP/1.1", b""),
    "a path with a null byte": (f"GET {API}/gateways/a%00b HTTP/1.1", b""),
    "a path that climbs": (f"GET {API}/gateways/..%2f..%2fetc%2fpasswd HTTP/1.1", b""),
    "a path that climbs in static files": ("GET /static/..%2f..%2fmanage.py HTTP/1.1", b""),
    "a path with an escape sequence": (f"GET {API}/gateways/%1b[2J%1b[31mred HTTP/1.1", b""),
    "a very long path": (f"GET {API}/gateways/{'a' * 10_000} HTTP/1.1", b""),
    "a query of invalid characters": (f"GET {API}/gateways?name=%ff%fe%00 HTTP/1.1", b""),
    "ten thousand parameters": (f"GET {API}/gateways?{'&'.join(f'p{n}=1' for n in range(8000))} HTTP/1.1", b""),
    "a number beyond all databases": (f"GET {API}/operations/{'9' * 25} HTTP/1.1", b""),
    "a huge header": (f"GET {API}/gateways HTTP/1.1\r\nX-Huge: {'a' * 200_000}", b""),
    "a foreign host": (f"GET {API}/gateways HTTP/1.1\r\nHost: evil.example", b""),
    "a host with markup": (f"GET {API}/gateways HTTP/1.1\r\nHost: <script>", b""),
    "a method that there is not": (f"BREW {API}/gateways HTTP/1.1", b""),
    "TRACE": (f"TRACE {API}/gateways HTTP/1.1", b""),
    "OPTIONS": (f"OPTIONS {API}/gateways HTTP/1.1", b""),
    "a key with a control character": put(GOOD, "Idempotency-Key: a\x01b"),
    "a key with spaces": put(GOOD, "Idempotency-Key: a b"),
    "a tag that is none": put(GOOD, "If-Match: <script>"),
    "malformed JSON": put(b"{"),
    "JSON that is a list": put(b"[]"),
    "JSON that is nothing": put(b"null"),
    "JSON that is not UTF-8": put(b'{"a": "\xff\xfe"}'),
    "JSON of a hundred thousand levels": put(b"[" * 100_000 + b"]" * 100_000),
    "a number that is none": put(b'{"a": NaN}'),
    "another content type": put(GOOD, kind="application/xml"),
    "a form": put(b"a=b", kind="application/x-www-form-urlencoded"),
    "a compressed body": put(b"\x1f\x8b" + b"\0" * 100, "Content-Encoding: gzip"),
    "more than is read": put(b"x" * 100, length=6 * 1024 * 1024 + 1),
    "chunks without end": CHUNKED,
    "a name with markup": put(json.dumps(gateway(XSS)).encode()),
    "a name with a line break": put(json.dumps(gateway("a\r\nb")).encode()),
    "a privileged port of somebody": put(json.dumps(gateway("hostile", port=70_000)).encode()),
    "another method in a header": (
        f"POST {API}/gateways HTTP/1.1\r\nX-HTTP-Method-Override: DELETE\r\nContent-Length: 0",
        b"",
    ),
}


@pytest.fixture
def unchanged(fuzzed: tuple[Egx, str]) -> Iterator[None]:
    """What is desired and has happened is the same afterwards, and EGX still answers."""
    egx, _token = fuzzed

    def seen() -> Any:
        return egx.everything(), egx.ask("/events")["last"]

    before = seen()
    yield
    assert seen() == before
    assert get(egx.port, "/health/live").status == 200


@pytest.mark.parametrize("what", REQUESTS)
@pytest.mark.usefixtures("unchanged")
def test_it_is_refused_and_nothing_is_changed(fuzzed: tuple[Egx, str], what: str) -> None:
    egx, token = fuzzed
    head, body = REQUESTS[what]
    if what == "more than is read":
        body = b"x" * (6 * 1024 * 1024 + 1)
    assert send(egx, head, body, token=token) in REFUSED | {0}


@pytest.mark.usefixtures("unchanged")
def test_a_proxys_headers_are_believed_by_nobody(fuzzed: tuple[Egx, str]) -> None:
    egx, token = fuzzed
    head = f"GET {API}/gateways?limit=1 HTTP/1.1\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https"
    assert send(egx, head, token=token) == 200
    summary = f"GET {API}/gateway HTTP/1.1\r\nX-Forwarded-For: 127.0.0.1\r\nHost: evil.example"
    assert send(egx, summary) == 400


def test_manifests_with_markup_come_back_as_text(fuzzed: tuple[Egx, str]) -> None:
    egx, _token = fuzzed
    with egx.browsing() as browser:
        page = browser.get("/gateways/default/<script>alert(1)</script>")
        asked = browser.get("/apply", params={"gateway": XSS})
    for answer in (page, asked):
        assert XSS not in answer.text


def test_no_request_forges_a_line_of_the_log_or_moves_the_cursor(fuzzed: tuple[Egx, str]) -> None:
    egx, token = fuzzed
    forged = "%0a2026-01-01T00:00:00.0Z%20[info%20%20%20%20]%20all%20is%20well"
    for path in (f"{API}/gateways/x{forged}", f"/nowhere{forged}%1b[2J", f"{API}/operations/1{forged}"):
        send(egx, f"GET {path} HTTP/1.1", token=token)
        send(egx, f"GET {path} HTTP/1.1")
        send(egx, f"GET {path} HTTP/1.1\r\nHost: evil{forged}.example")
    log = (egx.home / "logs" / "egx.log").read_text()
    assert "\x1b" not in log
    assert not [line for line in log.splitlines() if line.startswith("2026-01-01")]
    assert token not in log


def test_refusals_are_in_the_log(fuzzed: tuple[Egx, str]) -> None:
    egx, token = fuzzed
    send(egx, f"GET {API}/gateways HTTP/1.1", token="egx_nobodys")
    send(egx, f"GET {API}/tokens HTTP/1.1")
    head, _ = put(b"", length=6 * 1024 * 1024 + 1)
    send(egx, head, b"x" * (6 * 1024 * 1024 + 1), token=token)
    log = (egx.home / "logs" / "egx.log").read_text()
    refused = [line for line in log.splitlines() if "refused" in line]
    assert {status for line in refused for status in re.findall(r"status=(\d+)", line)} >= {"401", "413"}
    assert all(LINE.match(line) for line in refused)
