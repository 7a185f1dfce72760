"""The WebSocket echo, driven in-process."""

from __future__ import annotations

import asyncio
from typing import Any

from egx_project.test_backend.app import Backend
from egx_project.test_backend.asgi import Message


def talk(backend: Backend, *said: Message, query: bytes = b"", subprotocols: list[str] | None = None) -> list[Message]:
    heard: list[Message] = []
    left = [{"type": "websocket.connect"}, *said, {"type": "websocket.disconnect", "code": 1000}]

    async def receive() -> Message:
        return left.pop(0)

    async def send(message: Message) -> None:
        heard.append(message)

    scope: dict[str, Any] = {
        "type": "websocket",
        "path": "/any/path",
        "query_string": query,
        "headers": [],
        "subprotocols": subprotocols or [],
    }
    asyncio.run(backend(scope, receive, send))
    return heard


def test_text_and_binary_come_back_as_they_were() -> None:
    heard = talk(
        Backend("blue"),
        {"type": "websocket.receive", "text": "hi"},
        {"type": "websocket.receive", "bytes": b"\x00\xff", "text": None},
        {"type": "websocket.receive", "text": ""},
    )
    assert heard == [
        {"type": "websocket.accept", "subprotocol": None},
        {"type": "websocket.send", "text": "hi"},
        {"type": "websocket.send", "bytes": b"\x00\xff"},
        {"type": "websocket.send", "text": ""},
    ]


def test_the_instance_is_said_first_only_on_request() -> None:
    assert talk(Backend("blue"), query=b"hello=1")[1] == {"type": "websocket.send", "text": "blue"}
    assert len(talk(Backend("blue"), query=b"hello=0")) == 1


def test_an_offered_subprotocol_is_accepted() -> None:
    assert talk(Backend("blue"), subprotocols=["chat", "other"])[0]["subprotocol"] == "chat"


def test_a_bad_query_closes_the_connection() -> None:
    assert [message["type"] for message in talk(Backend("blue"), query=b"delay=x")] == ["websocket.close"]


def test_connections_are_counted_apart_from_requests() -> None:
    backend = Backend("blue")
    talk(backend, query=b"ledger=1")
    report = backend.ledger.report()
    assert (report["count"], report["websockets"], report["numbers_count"]) == (0, 1, 1)
