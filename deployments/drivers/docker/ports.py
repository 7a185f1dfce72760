"""Who has a port that an edge is to publish."""

from __future__ import annotations

import ipaddress

from deployments.drivers.base import DriverError
from deployments.drivers.docker.daemon import Daemon

WAY_OUT = "use another port, or stop what has it"


def why_not_published(daemon: Daemon, bind: str, port: int, *, besides: str = "") -> DriverError | None:
    """The container that publishes the port, as an error; `besides`: a container that may."""
    for container in daemon.containers():
        if container.name != besides and any(
            number == port and _overlap(address, bind) for address, number in container.published
        ):
            return DriverError(f"port {port} on {bind} is in use by container {container.name}", hint=WAY_OUT)
    return None


def _overlap(one: str, other: str) -> bool:
    first, second = ipaddress.ip_address(one or "0.0.0.0"), ipaddress.ip_address(other)  # noqa: S104
    return first == second or first.is_unspecified or second.is_unspecified
