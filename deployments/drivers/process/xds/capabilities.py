"""What the process runtime cannot do, by name. Nothing that a snapshot says is left out in silence."""

from __future__ import annotations

from collections.abc import Iterable

from deployments.drivers.process.xds.attachment_warnings import attachment_warnings
from deployments.drivers.process.xds.backend_limits import backend_refusals, resolved_refusals
from deployments.drivers.process.xds.gateway_limits import gateway_refusals
from deployments.drivers.process.xds.route_limits import route_refusals
from gateways.spec.base import Problem
from gateways.spec.snapshot import GatewaySnapshot


def refusals(snapshot: GatewaySnapshot) -> tuple[Problem, ...]:
    """Errors stop the snapshot; warnings say what will not do what it seems to."""
    return tuple(_problems(snapshot))


def _problems(snapshot: GatewaySnapshot) -> Iterable[Problem]:
    yield from gateway_refusals(snapshot.gateway)
    for attached in snapshot.routes:
        yield from route_refusals(attached.route)
        yield from attachment_warnings(attached.route, snapshot.gateway)
    for written in {backend.ref: backend.written for backend in snapshot.backends}.values():
        yield from backend_refusals(written)
    for backend in snapshot.backends:
        yield from resolved_refusals(backend)
