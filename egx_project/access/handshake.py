"""Who opens a WebSocket, and from which page: what CSRF checks are for forms, these are for sockets."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.http.request import split_domain_port, validate_host

from egx_project.access.identity import came_over_socket, shown_token
from egx_project.access.roles import SocketUser
from egx_project.access.services import user_of_token

SECURE = {"ws": "http", "wss": "https"}


class HandshakeError(Exception):
    """Why the socket is not opened."""


def user_of_handshake(scope: Mapping[str, Any]) -> Any:  # noqa: ANN401  a user of Django's, SocketUser or None
    """Who opens the socket, asked anew each time. Raises HandshakeError for a host or a page that is not EGX's.

    A token or the Unix socket is shown on purpose; a cookie is sent by any page, so the page must be EGX's own.
    """
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    host = headers.get("host", "")
    if not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        raise HandshakeError("foreign host name")
    if came_over_socket(scope):
        return SocketUser()
    secret = shown_token(headers.get("authorization", ""))
    if secret is not None:
        return user_of_token(secret)
    if not _is_own(headers.get("origin", ""), host=host, scheme=SECURE.get(scope.get("scheme", ""), "http")):
        raise HandshakeError("foreign origin")
    return _user_of_session(headers.get("cookie", ""))


def _is_own(origin: str, *, host: str, scheme: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    own = parts.netloc.lower() == host.lower() and parts.scheme == scheme
    return bool(origin) and (own or origin in settings.CSRF_TRUSTED_ORIGINS)


def _user_of_session(cookie: str) -> Any:  # noqa: ANN401
    try:
        morsel = SimpleCookie(cookie).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return None
    if morsel is None:
        return None
    session = import_module(settings.SESSION_ENGINE).SessionStore(morsel.value)
    return get_user(SimpleNamespace(session=session))  # type: ignore[arg-type]  # all that it reads of a request
