"""What the fake runtime has of a gateway, as tests of updates ask for it."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from deployments.drivers.fake import FakeDriver
from deployments.models import Operation, OperationState
from deployments.tasks import driver_of
from gateways.models import Gateway
from tests.builders import ask_update, carry_out


def world(gateway: Gateway) -> dict[str, Any]:
    driver = driver_of(gateway.target)
    assert isinstance(driver, FakeDriver)
    return driver.world.read(gateway.key)


def count(gateway: Gateway, slot: str, **traffic: Any) -> None:
    """What the slot's Envoy has counted so far."""
    driver = driver_of(gateway.target)
    assert isinstance(driver, FakeDriver)

    def effect(state: dict[str, Any]) -> None:
        state["slots"][slot]["traffic"] = {"life": slot, **traffic}

    driver.world.change(gateway.key, effect)


def serves(gateway: Gateway) -> str:
    state = world(gateway)
    return str(state["slots"][state["edge"]["serving"]]["version"])


def finish_all() -> None:
    while waiting := Operation.objects.filter(state=OperationState.QUEUED).order_by("pk").first():
        carry_out(waiting)


def updated(gateway: Gateway, version: str = "1.41.0") -> Operation:
    operation = carry_out(ask_update(gateway, version))
    assert operation.state == "done", operation.error
    return operation


def settings_version() -> str:
    return str(settings.EGX_ENVOY_VERSION)
