"""Reaching into containers: an Envoy's admin interface, the engine's own, a slot's listeners."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from functools import partial
from typing import Any, Protocol

from deployments.drivers.docker import layout, rendering
from deployments.drivers.envoy.admin import SECONDS, Admin, AdminError

LARGEST_DUMP = 256 * 1024 * 1024


class Reach(Protocol):
    """A way to the containers of an installation's network."""

    def connect(
        self, address: str, port: int, *, host: str = "envoy", timeout: float = SECONDS
    ) -> http.client.HTTPConnection:
        """A connection that is opened with its first request; `host` is what the request says it is for."""
        ...


class _Direct(http.client.HTTPConnection):
    """To an address, with another host's name in its requests."""

    def __init__(self, address: str, port: int, *, host: str, timeout: float) -> None:
        super().__init__(host, timeout=timeout)
        self.address = (address, port)

    def connect(self) -> None:
        self.sock = self._create_connection(self.address, self.timeout)  # type: ignore[attr-defined]


class DirectReach:
    """This host, or EGX's own container, has a route to the network."""

    def connect(
        self, address: str, port: int, *, host: str = "envoy", timeout: float = SECONDS
    ) -> http.client.HTTPConnection:
        return _Direct(address, port, host=host, timeout=timeout)


def envoy(reach: Reach, address: str) -> Admin:
    """The admin interface of a slot's or an edge's Envoy."""
    return Admin(partial(reach.connect, address, layout.ENVOY_ADMIN_PORT), place=f"{address}:{layout.ENVOY_ADMIN_PORT}")


def engine_dump(reach: Reach, address: str) -> Any:  # noqa: ANN401
    """All resources that Envoy Gateway's controller holds. Raises AdminError where it does not say."""
    try:
        with closing(reach.connect(address, layout.ENGINE_ADMIN_PORT, host="localhost")) as connection:
            connection.request("GET", "/api/config_dump?resource=all")
            return json.loads(connection.getresponse().read(LARGEST_DUMP))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise AdminError(f"the controller at {address} does not say what it holds: {type(error).__name__}") from error


def marker(reach: Reach, address: str) -> tuple[int, int] | None:
    """(revision, generation) that the slot's Envoy serves; None where it does not answer as a slot does."""
    try:
        connection = reach.connect(address, layout.MARKER_PORT, host=rendering.MARKER_HOST, timeout=2.0)
        with closing(connection):
            connection.request("GET", rendering.MARKER_PATH, headers={"connection": "close"})
            return rendering.held(connection.getresponse().getheader("location") or "")
    except (OSError, http.client.HTTPException):
        return None


def status(reach: Reach, address: str, port: int, *, host: str, path: str, timeout: float) -> int:
    """Of the answer to a GET; 0 where there is none."""
    try:
        with closing(reach.connect(address, port, host=host, timeout=timeout)) as connection:
            connection.request("GET", path, headers={"user-agent": "egx-probe", "connection": "close"})
            return int(connection.getresponse().status)
    except (OSError, http.client.HTTPException):
        return 0
