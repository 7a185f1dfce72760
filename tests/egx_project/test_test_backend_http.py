"""What the test backend answers, driven in-process."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from egx_project.test_backend.app import Backend
from egx_project.test_backend.asgi import Message


def ask(backend: Backend, method: str, url: str, **options: Any) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app=backend, client=("192.0.2.7", 4000))
        async with httpx.AsyncClient(transport=transport, base_url="http://backend") as client:
            return await client.request(method, url, **options)

    return asyncio.run(once())


@pytest.fixture
def backend() -> Backend:
    return Backend("blue")


def test_any_request_is_answered_with_what_arrived(backend: Backend) -> None:
    headers = {"X-Forwarded-For": "198.51.100.1", "x-request-number": "7"}
    answer = ask(backend, "PUT", "/a/b?x=1&y=", content=b"hello", headers=headers)
    report = answer.json()
    assert answer.status_code == 200
    assert answer.headers["x-instance"] == "blue"
    assert report["method"] == "PUT"
    assert report["path"] == "/a/b"
    assert report["query"] == {"x": "1", "y": ""}
    assert report["headers"]["x-forwarded-for"] == report["forwarded_for"] == "198.51.100.1"
    assert report["client"] == "192.0.2.7:4000"
    assert report["instance"] == "blue"
    assert report["pid"] > 0
    assert report["body_bytes"] == 5
    assert report["request_id"] == 7


def test_repeated_headers_are_joined(backend: Backend) -> None:
    report = ask(backend, "GET", "/", headers=[("x-a", "1"), ("X-A", "2")]).json()
    assert report["headers"]["x-a"] == "1, 2"


def test_a_status_is_answered_on_request(backend: Backend) -> None:
    assert ask(backend, "GET", "/?status=503").status_code == 503


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_none(backend: Backend, status: int) -> None:
    for query in (f"status={status}", f"status={status}&bytes=10", f"status={status}&stream=2"):
        answer = ask(backend, "GET", f"/?{query}")
        assert answer.status_code == status
        assert answer.content == b""
        assert "content-length" not in answer.headers


def test_a_body_of_a_given_size_is_sent(backend: Backend) -> None:
    answer = ask(backend, "GET", "/?bytes=200000")
    assert len(answer.content) == 200_000
    assert answer.headers["content-length"] == "200000"


def test_a_stream_is_numbered_events(backend: Backend) -> None:
    answer = ask(backend, "GET", "/?stream=3&every=0")
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.text.count("data: ") == 3
    assert answer.text.startswith("id: 1\n")


def test_a_delay_is_kept(backend: Backend) -> None:
    before = time.monotonic()
    ask(backend, "GET", "/?delay=0.2")
    assert time.monotonic() - before >= 0.2


@pytest.mark.parametrize(
    "query",
    [
        "delay=nan",
        "delay=inf",
        "delay=-1",
        "delay=61",
        "delay=1e1",
        "delay=",
        "status=99",
        "status=100",
        "status=600",
        "status=two",
        "status=%32%30%30x",
        "bytes=67108865",
        "bytes=-1",
        "bytes=99999999999999999999999",
        "bytes=1&stream=1",
        "stream=100001",
        "stream=1&every=abc",
        "ledger=16777216",
        "ledger=²",
        "&".join(f"p{n}=1" for n in range(101)),
    ],
)
def test_a_query_that_cannot_be_served_is_a_bad_request_that_says_why(backend: Backend, query: str) -> None:
    answer = ask(backend, "POST", f"/?{query}", content=b"x" * 100)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert backend.ledger.report()["count"] == 0


def test_a_request_number_that_is_none_is_a_bad_request(backend: Backend) -> None:
    assert ask(backend, "GET", "/", headers={"x-request-number": "-3"}).status_code == 400


def test_health_is_ok_and_not_counted(backend: Backend) -> None:
    answer = ask(backend, "GET", "/health")
    assert (answer.status_code, answer.text.strip()) == (200, "ok")
    assert ask(backend, "GET", "/ledger").json()["count"] == 0


def test_the_ledger_is_read_and_reset(backend: Backend) -> None:
    for number in ("1", "4"):
        ask(backend, "GET", "/", headers={"x-request-number": number})
    ask(backend, "GET", "/?ledger=2")
    ask(backend, "GET", "/")
    ledger = ask(backend, "GET", "/ledger").json()
    assert (ledger["count"], ledger["numbers_count"], ledger["missing_up_to_max"]) == (4, 3, 1)
    assert ledger["missing"] == [3]
    assert ask(backend, "DELETE", "/ledger").json()["count"] == 0
    assert ask(backend, "POST", "/ledger").status_code == 405


def test_a_client_that_leaves_ends_a_long_stream_at_once(backend: Backend) -> None:
    sent: list[Message] = []
    incoming: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if incoming:
            return incoming.pop()
        await asyncio.sleep(0.1)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"stream=100&every=60",
        "headers": [],
    }
    before = time.monotonic()
    asyncio.run(backend(scope, receive, send))
    assert time.monotonic() - before < 5
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
