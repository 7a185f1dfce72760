"""Requests that EGX sends itself, one for each route: what the old engine and the new one answer is compared."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from deployments.drivers.base import Driver, Probe, SlotName
from gateways.spec.snapshot import GatewaySnapshot

MOST = 20
"""Of a gateway's routes: a probe goes on to a backend, which has better things to do."""


def probes(desired: GatewaySnapshot) -> list[Probe]:
    """One for each route's first rule, to its first host name and path. Only GET, which asks and changes nothing."""
    found = []
    for attached in desired.routes[:MOST]:
        route = attached.route
        match = route.spec.rules[0].matches[0] if route.spec.rules and route.spec.rules[0].matches else None
        path = match.path.value if match and match.path and match.path.type != "RegularExpression" else "/"
        host = route.spec.hostnames[0].replace("*", "egx-probe") if route.spec.hostnames else "localhost"
        found += [Probe(port=port, host=host, path=path) for port in desired.ports[:1]]
    return found


def answers(driver: Driver, key: str, slot: SlotName, asked: list[Probe]) -> dict[Probe, int]:
    return {probe: driver.probe(key, slot, probe) for probe in asked}


def worse(old: Mapping[Probe, int], new: Mapping[Probe, int]) -> list[str]:
    """What the old engine answers and the new one does not, in words."""
    return [
        f"{probe.host}:{probe.port}{probe.path} answers {new[probe] or 'nothing'} through the new engine, "
        f"{status} through the old"
        for probe, status in old.items()
        if status and _kind(new[probe]) != _kind(status) and not _failed(status)
    ]


def _failed(status: int) -> bool:
    return status == 0 or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _kind(status: int) -> int:
    return status // 100
