"""The ASGI application: what is answered to which request."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator

from egx_project.test_backend import controls as control
from egx_project.test_backend import echo
from egx_project.test_backend.asgi import Receive, Scope, Send
from egx_project.test_backend.controls import ControlError, Controls
from egx_project.test_backend.exchange import ClientGoneError, Exchange
from egx_project.test_backend.ledger import LARGEST_NUMBER, Ledger

CHUNK = bytes(64 * 1024)
NUMBER_HEADER = "x-request-number"


class Backend:
    """`/health`, `/ledger`, a WebSocket echo, and an answer that says what arrived at any other path."""

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.ledger = Ledger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
            return
        exchange = Exchange(receive, send, headers=[(b"x-instance", self.instance.encode())])
        try:
            await self._http(scope, exchange)
        except ControlError as error:
            await exchange.answer_json({"error": str(error), "instance": self.instance}, status=400)
        except ClientGoneError:
            pass
        finally:
            await exchange.close()

    async def _http(self, scope: Scope, exchange: Exchange) -> None:
        path = scope["path"]
        if path == "/health":
            await exchange.drain()
            await exchange.answer(b"ok\n", kind=b"text/plain; charset=utf-8")
        elif path == "/ledger":
            await exchange.drain()
            await self._ledger(scope["method"], exchange)
        else:
            await self._anything(scope, exchange)

    async def _ledger(self, method: str, exchange: Exchange) -> None:
        if method == "DELETE":
            self.ledger.reset()
        elif method not in {"GET", "HEAD"}:
            await exchange.answer_json(
                {"error": "the ledger takes GET and DELETE"}, status=405, headers=[(b"allow", b"GET, DELETE")]
            )
            return
        await exchange.answer_json(self.ledger.report())

    async def _anything(self, scope: Scope, exchange: Exchange) -> None:
        # Drained before the query is judged: an answer before the end of the body would cost the connection.
        try:
            query, headers, asked = _read(scope)
        except ControlError:
            await exchange.drain()
            raise
        self.ledger.request(asked.number)
        size = await exchange.drain()
        await exchange.pause(asked.delay)
        if asked.size is not None:
            kind = [(b"content-type", b"application/octet-stream"), _length(asked.size)]
            await exchange.stream(asked.status, kind, _filler(asked.size))
        elif asked.chunks is not None:
            kind = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
            await exchange.stream(asked.status, kind, self._ticks(exchange, asked.chunks, asked.every))
        else:
            report = {
                "method": scope["method"],
                "path": scope["path"],
                "query": query,
                "headers": headers,
                "client": _peer(scope),
                "forwarded_for": headers.get("x-forwarded-for"),
                "instance": self.instance,
                "pid": os.getpid(),
                "body_bytes": size,
                "request_id": asked.number,
            }
            await exchange.answer_json(report, status=asked.status)

    async def _ticks(self, exchange: Exchange, count: int, every: float) -> AsyncIterator[bytes]:
        for number in range(1, count + 1):
            if number > 1:
                await exchange.pause(every)
            data = json.dumps({"number": number, "of": count, "instance": self.instance})
            yield f"id: {number}\ndata: {data}\n\n".encode()

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        try:
            _, _, asked = _read(scope)
        except ControlError:
            await send({"type": "websocket.close", "code": echo.POLICY_VIOLATION})
            return
        self.ledger.websocket(asked.number)
        await echo.serve(scope, receive, send, first=self.instance if asked.hello else None)


def _read(scope: Scope) -> tuple[dict[str, str], dict[str, str], Controls]:
    query = control.query_of(scope["query_string"])
    headers = _headers(scope)
    asked = control.parse(query, largest_number=LARGEST_NUMBER)
    if NUMBER_HEADER in headers:
        number = control.integer(headers[NUMBER_HEADER], NUMBER_HEADER, LARGEST_NUMBER)
        asked = control.with_number(asked, number)
    return query, headers, asked


def _headers(scope: Scope) -> dict[str, str]:
    """Lower case names; values of the same name joined as HTTP joins them."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _peer(scope: Scope) -> str | None:
    client = scope.get("client")
    return f"{client[0]}:{client[1]}" if client else None


def _length(size: int) -> tuple[bytes, bytes]:
    return b"content-length", str(size).encode()


async def _filler(size: int) -> AsyncIterator[bytes]:
    while size > 0:
        yield CHUNK[:size]
        size -= len(CHUNK)
