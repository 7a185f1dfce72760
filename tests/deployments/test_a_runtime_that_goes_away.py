from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from deployments import services
from deployments.drivers.base import AbsentError
from deployments.drivers.fake import FakeDriver
from deployments.engine import absence
from deployments.models import Operation
from gateways.models import Target
from tests.builders import apply, carry_out, fake_target, gateway_yaml, route_yaml, serve_gateway

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def target() -> Target:
    return fake_target()


@pytest.fixture(autouse=True)
def _asked_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absence, "PAUSE_SECONDS", 0.01)


class Away:
    """A runtime that does not answer when it is asked for one effect, for so many times."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, effect: str, *, times: int) -> None:
        self.left, self.asked = times, 0
        self.meanwhile: Callable[[], object] = list
        real = getattr(FakeDriver, effect)

        def asked(driver: FakeDriver, *arguments: Any) -> Any:
            self.asked += 1
            if self.left:
                self.left -= 1
                self.meanwhile()
                raise AbsentError("the runtime does not answer")
            return real(driver, *arguments)

        monkeypatch.setattr(FakeDriver, effect, asked)


def deploy(target: Target) -> Operation:
    return apply(gateway_yaml() + route_yaml(), target=target).operations[0]


def test_an_operation_that_is_under_way_goes_on_when_the_runtime_is_back(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(monkeypatch, "switch", times=2)
    operation = carry_out(deploy(target))
    assert (operation.state, away.asked) == ("done", 3)


def test_a_configuration_goes_on_when_the_runtime_is_back(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    serve_gateway(target=target)
    Away(monkeypatch, "configure_slot", times=2)
    assert carry_out(apply(route_yaml(path="/other"), target=target).operations[0]).state == "done"


def test_a_runtime_that_is_not_there_at_the_beginning_is_not_waited_for(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(monkeypatch, "preflight", times=100)
    operation = carry_out(deploy(target))
    assert (operation.state, operation.error, away.asked) == ("rolled_back", "the runtime does not answer", 1)


def test_a_runtime_that_stays_away_turns_the_operation_back(
    target: Target, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.EGX_ABSENCE_SECONDS = 0.05
    Away(monkeypatch, "switch", times=100)
    operation = carry_out(deploy(target))
    left = "switch_traffic could not be undone: the runtime does not answer"
    assert (operation.state, operation.error) == ("failed", left)


def test_an_undoing_goes_on_when_the_runtime_is_back(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    Away(monkeypatch, "stop_slot", times=2)
    away = Away(monkeypatch, "switch", times=1)
    operation = deploy(target)
    away.meanwhile = lambda: services.cancel(operation_id=operation.pk, by="somebody")
    assert carry_out(operation).state == "rolled_back"


def test_somebody_who_cancels_meanwhile_does_not_wait_for_the_runtime(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(monkeypatch, "switch", times=1)
    operation = deploy(target)
    away.meanwhile = lambda: services.cancel(operation_id=operation.pk, by="somebody")
    carried = carry_out(operation)
    assert (carried.state, carried.error) == ("rolled_back", "cancelled by somebody")
