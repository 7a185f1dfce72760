"""The operations that the matrix kills. Each makes a data directory in which one of them waits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gateways.models import Target
from tests import builders

LATENCY_SECONDS = 0.004
"""Of each part of an effect in the fake world: room for a kill to fall inside."""


def _fake() -> Target:
    return builders.fake_target("world", latency=LATENCY_SECONDS)


def deploy(_home: Path) -> tuple[int, str]:
    """A new gateway."""
    operation = builders.apply(builders.gateway_yaml() + builders.route_yaml(), target=_fake()).operations[0]
    return operation.pk, operation.gateway_key


def replace(_home: Path) -> tuple[int, str]:
    """Another engine version, beside the one that serves."""
    from deployments import services

    gateway = builders.serve_gateway(target=_fake())
    return services.request_deploy(gateway=gateway, by="tester", version="9.9.9").pk, gateway.key


def configure(_home: Path) -> tuple[int, str]:
    """Routes and ports change while two slots live."""
    from deployments import services
    from deployments.drivers.base import Scope, SlotName
    from deployments.tasks import driver_of
    from gateways.models import Gateway

    target = _fake()
    gateway = builders.serve_gateway(target=target)
    builders.carry_out(services.request_deploy(gateway=gateway, by="tester", version="9.9.9"))
    fence = Gateway.objects.get().fence
    driver_of(target).resume_slot(Scope(key=gateway.key, fence=fence), SlotName.BLUE)
    text = builders.gateway_yaml(ports=(8081, 8082)) + builders.route_yaml(path="/changed")
    operation = builders.apply(text, target=target).operations[0]
    return operation.pk, operation.gateway_key


def remove(_home: Path) -> tuple[int, str]:
    from deployments import services

    gateway = builders.serve_gateway(target=_fake())
    return services.request_remove(gateway=gateway, by="tester").pk, gateway.key


SCENARIOS: dict[str, Callable[[Path], tuple[int, str]]] = {
    make.__name__: make for make in (deploy, replace, configure, remove)
}
