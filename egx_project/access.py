"""Who may ask. Only the Unix socket's owner, today: the file's mode is the login."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

SOCKET_MARK = "egx.socket"
"""In the ASGI scope of requests that came over the Unix socket; set by the server, out of clients' reach."""


class SocketUser:
    """Whoever may open the socket: the user that runs EGX."""

    is_authenticated = True
    username = "cli"

    def __str__(self) -> str:
        return self.username


def came_over_socket(request: HttpRequest) -> bool:
    return bool(getattr(request, "scope", {}).get(SOCKET_MARK))


class SocketAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        return (SocketUser(), None) if came_over_socket(request._request) else None


class OverTheSocket(BasePermission):
    message = "the API is open to the command line only, over its Unix socket"

    def has_permission(self, request: Request, view: Any) -> bool:  # noqa: ANN401, ARG002
        return isinstance(request.user, SocketUser)
