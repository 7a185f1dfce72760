"""From a request, or a WebSocket's handshake, to the user who sent it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from egx_project.access.roles import SocketUser
from egx_project.access.services import user_of_token

SOCKET_MARK = "egx.socket"
"""In the ASGI scope of requests that came over the Unix socket; set by the server, out of clients' reach."""
SCHEME = "bearer"
LONGEST_TOKEN = 200


def came_over_socket(scope: Mapping[str, Any]) -> bool:
    return bool(scope.get(SOCKET_MARK))


def shown_token(authorization: str) -> str | None:
    """The token of an `Authorization` header; None where it holds something else (RFC 6750)."""
    scheme, _, secret = authorization.partition(" ")
    return secret.strip()[:LONGEST_TOKEN] if scheme.lower() == SCHEME else None


def user_of(request: HttpRequest) -> SocketUser | User | None:
    """Who sent a request that only reads. What changes something goes through DRF, which checks CSRF too."""
    if came_over_socket(getattr(request, "scope", {})):
        return SocketUser()
    secret = shown_token(request.headers.get("Authorization", ""))
    if secret is not None:
        return user_of_token(secret)
    return request.user if isinstance(request.user, User) else None


class SocketAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[SocketUser, None] | None:
        return (SocketUser(), None) if came_over_socket(getattr(request._request, "scope", {})) else None


class TokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, None] | None:
        secret = shown_token(request.headers.get("Authorization", ""))
        if secret is None:
            return None
        user = user_of_token(secret)
        if user is None or not user.is_active:
            raise AuthenticationFailed("the token is unknown, expired or revoked")
        return user, None

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        return 'Bearer realm="egx"'
