"""A WebSocket that says back what it hears."""

from __future__ import annotations

from egx_project.test_backend.asgi import Message, Receive, Scope, Send

POLICY_VIOLATION = 1008


async def serve(scope: Scope, receive: Receive, send: Send, *, first: str | None) -> None:
    offered = scope.get("subprotocols") or [None]
    # A browser that offered subprotocols drops a connection that accepts none.
    await send({"type": "websocket.accept", "subprotocol": offered[0]})
    if first is not None:
        await send({"type": "websocket.send", "text": first})
    while True:
        message = await receive()
        if message["type"] != "websocket.receive":
            return
        await send(_same(message))


def _same(message: Message) -> Message:
    if message.get("text") is not None:
        return {"type": "websocket.send", "text": message["text"]}
    return {"type": "websocket.send", "bytes": message.get("bytes") or b""}
