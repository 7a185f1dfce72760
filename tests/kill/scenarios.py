"""The operations that the matrix kills. Each makes a data directory in which one of them waits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gateways.models import Target
from tests import builders

LATENCY_SECONDS = 0.003
"""Of each part of an effect in the fake world: room for a kill to fall inside."""


def _fake() -> Target:
    return builders.fake_target("world", latency=LATENCY_SECONDS)


def deploy(_home: Path) -> tuple[int, str]:
    """A new gateway."""
    operation = builders.apply(builders.gateway_yaml() + builders.route_yaml(), target=_fake()).operations[0]
    return operation.pk, operation.key


def update(_home: Path) -> tuple[int, str]:
    """Another engine version, beside the one that serves."""
    gateway = builders.serve_gateway(target=_fake())
    return builders.ask_update(gateway).pk, gateway.key


def configure(_home: Path) -> tuple[int, str]:
    """Routes and ports change while two slots live."""
    target = _fake()
    gateway = builders.serve_gateway(target=target)
    builders.carry_out(builders.ask_update(gateway))
    text = builders.gateway_yaml(ports=(8081, 8082)) + builders.route_yaml(path="/changed")
    operation = builders.apply(text, target=target).operations[0]
    return operation.pk, operation.key


def update_again(_home: Path) -> tuple[int, str]:
    """While the old slot of an earlier update is still warm, and so in the way."""
    gateway = builders.serve_gateway(target=_fake())
    builders.carry_out(builders.ask_update(gateway))
    return builders.ask_update(gateway, "1.42.0").pk, gateway.key


def drill(_home: Path) -> tuple[int, str]:
    """An update whose backup must first be seen to come back."""
    gateway = builders.serve_gateway(target=_fake())
    builders.set_policy(gateway, drill=True)
    return builders.ask_update(gateway).pk, gateway.key


def roll_back(_home: Path) -> tuple[int, str]:
    """To a slot that is still warm."""
    from updates.services import changes

    gateway = builders.serve_gateway(target=_fake())
    builders.carry_out(builders.ask_update(gateway))
    return changes.request_rollback(gateway=gateway, by="tester").pk, gateway.key


def roll_back_cold(_home: Path) -> tuple[int, str]:
    """To an engine that has been stopped since."""
    from updates.services import changes

    gateway = builders.serve_gateway(target=_fake())
    builders.carry_out(builders.ask_update(gateway))
    builders.carry_out(builders.ask_retirement(gateway))
    return changes.request_rollback(gateway=gateway, by="tester").pk, gateway.key


def restore(_home: Path) -> tuple[int, str]:
    """Other ports, other routes and another engine than the backup has."""
    from updates.services import backups, changes

    target = _fake()
    gateway = builders.serve_gateway(target=target)
    made = backups.back_up(gateway=gateway, by="tester")
    builders.carry_out(builders.ask_update(gateway))
    text = builders.gateway_yaml(ports=(8081, 8082)) + builders.route_yaml(path="/changed")
    builders.carry_out(builders.apply(text, target=target).operations[0])
    return changes.request_restore(key=made.key, by="tester").pk, gateway.key


def retire(_home: Path) -> tuple[int, str]:
    gateway = builders.serve_gateway(target=_fake())
    builders.carry_out(builders.ask_update(gateway))
    return builders.ask_retirement(gateway).pk, gateway.key


def remove(_home: Path) -> tuple[int, str]:
    from deployments import services

    gateway = builders.serve_gateway(target=_fake())
    return services.request_remove(gateway=gateway, by="tester").pk, gateway.key


SCENARIOS: dict[str, Callable[[Path], tuple[int, str]]] = {
    make.__name__: make
    for make in (
        deploy,
        update,
        update_again,
        drill,
        roll_back,
        roll_back_cold,
        restore,
        retire,
        configure,
        remove,
    )
}
