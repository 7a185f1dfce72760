"""One HTTP request and its answer, with an eye on whether the client is still there."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from egx_project.test_backend.asgi import Receive, Send

Headers = list[tuple[bytes, bytes]]
WITHOUT_BODY = frozenset({204, 304})


class ClientGoneError(Exception):
    """The client left before its answer was complete."""


class Exchange:
    def __init__(self, receive: Receive, send: Send, *, headers: Headers) -> None:
        self._receive = receive
        self._send = send
        self._headers = headers
        self._gone: asyncio.Task[None] | None = None

    async def drain(self) -> int:
        """Read the whole request body and forget it; its size."""
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            size += len(message.get("body", b""))
            if not message.get("more_body", False):
                return size

    async def pause(self, seconds: float) -> None:
        """Wait; raises ClientGoneError as soon as nobody waits for the answer."""
        if seconds <= 0:
            return
        if self._gone is None:
            self._gone = asyncio.create_task(self._until_gone())
        done, _ = await asyncio.wait({self._gone}, timeout=seconds)
        if done:
            raise ClientGoneError

    async def answer_json(self, value: object, *, status: int = 200, headers: Headers | None = None) -> None:
        await self.answer(
            json.dumps(value, ensure_ascii=False).encode() + b"\n",
            kind=b"application/json",
            status=status,
            headers=headers,
        )

    async def answer(self, body: bytes, *, kind: bytes, status: int = 200, headers: Headers | None = None) -> None:
        if status in WITHOUT_BODY:
            await self.start(status, headers or [])
            body = b""
        else:
            length = (b"content-length", str(len(body)).encode())
            await self.start(status, [(b"content-type", kind), length, *(headers or [])])
        await self._body(body, more=False)

    async def stream(self, status: int, headers: Headers, chunks: AsyncIterator[bytes]) -> None:
        if status in WITHOUT_BODY:
            await self.answer(b"", kind=b"", status=status)
            return
        await self.start(status, headers)
        async for chunk in chunks:
            await self._body(chunk, more=True)
        await self._body(b"", more=False)

    async def start(self, status: int, headers: Headers) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": [*headers, *self._headers]})

    async def close(self) -> None:
        if self._gone is not None:
            self._gone.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._gone

    async def _body(self, body: bytes, *, more: bool) -> None:
        message: dict[str, Any] = {"type": "http.response.body", "body": body, "more_body": more}
        await self._send(message)

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
