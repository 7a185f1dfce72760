"""Who has a port that an edge is to publish."""

from __future__ import annotations

import ipaddress

from deployments.drivers import ports
from deployments.drivers.base import DriverError
from deployments.drivers.docker.ground import Ground

WAY_OUT = "use another port, or stop what has it"


def why_not_published(ground: Ground, port: int, *, besides: str = "") -> DriverError | None:
    """The container or program that has the port, as an error; `besides`: a container that may."""
    for container in ground.daemon.containers():
        if container.name != besides and any(
            number == port and _overlap(address, ground.bind) for address, number in container.published
        ):
            return DriverError(f"port {port} on {ground.bind} is in use by container {container.name}", hint=WAY_OUT)
    # Inside a container of its own EGX cannot see the host's ports; Docker itself says then.
    return ports.why_not_free(port, bind=ground.bind) if ground.on_host and not besides else None


def _overlap(one: str, other: str) -> bool:
    first, second = ipaddress.ip_address(one or "0.0.0.0"), ipaddress.ip_address(other)  # noqa: S104
    return first == second or first.is_unspecified or second.is_unspecified
