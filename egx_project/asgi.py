"""The ASGI application: HTTP is Django's, WebSockets are Channels'."""

from __future__ import annotations

import os
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "egx_project.settings.main")

django = get_asgi_application()

from monitoring.consumers import Events  # noqa: E402  Django must be set up first

LARGEST_HEADERS = 64 * 1024
"""Bytes. The server's parser knows no limit."""
SOCKETS: dict[str, Any] = {"/ws/events": Events.as_asgi()}


async def http(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
    if sum(len(name) + len(value) for name, value in scope["headers"]) > LARGEST_HEADERS:
        await send({"type": "http.response.start", "status": 431, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})
    else:
        await django(scope, receive, send)


async def websocket(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
    found = SOCKETS.get(scope["path"])
    if found is None:
        await send({"type": "websocket.close", "code": 4404})  # before it is accepted: HTTP 403
    else:
        await found(scope, receive, send)


application = ProtocolTypeRouter({"http": http, "websocket": websocket})
