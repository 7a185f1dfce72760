"""Every effect belongs to one attempt, and done twice is as done once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from deployments.drivers.base import DriverError, FencedError, Scope, SlotName
from tests.contract.runtimes import Runtime

BLUE, GREEN = SlotName.BLUE, SlotName.GREEN


def all_runs(runtime: Runtime) -> None:
    """Blue serves generation 2 and can go back to 1; green runs and drains; the edge is open."""
    runtime.serve()
    runtime.driver.configure_slot(runtime.scope(configuration=True), BLUE, runtime.snapshot(2))
    runtime.start(GREEN, generation=2)
    runtime.driver.drain(runtime.scope(), GREEN)


def all_is_stopped(runtime: Runtime) -> None:
    """Both slots are stopped and the edge is closed."""
    all_runs(runtime)
    runtime.driver.close_edge(runtime.scope())
    for slot in SlotName:
        runtime.driver.stop_slot(runtime.scope(), slot)


@dataclass(frozen=True)
class Effect:
    do: Callable[[Runtime, Scope], None]
    configures: bool = False
    before: Callable[[Runtime], None] = all_runs
    """A state of things that the effect changes visibly."""


EFFECTS = {
    "start_slot": Effect(lambda r, scope: r.driver.start_slot(scope, GREEN, r.engine(1), r.snapshot(3))),
    "open_edge": Effect(lambda r, scope: r.driver.open_edge(scope, r.snapshot(3, ports=2))),
    "switch": Effect(lambda r, scope: r.driver.switch(scope, GREEN)),
    "switch_to_none": Effect(lambda r, scope: r.driver.switch(scope, None)),
    "drain": Effect(lambda r, scope: r.driver.drain(scope, BLUE)),
    "undrain": Effect(lambda r, scope: r.driver.undrain(scope, GREEN)),
    "stop_slot": Effect(lambda r, scope: r.driver.stop_slot(scope, GREEN)),
    "resume_slot": Effect(lambda r, scope: r.driver.resume_slot(scope, GREEN), before=all_is_stopped),
    "close_edge": Effect(lambda r, scope: r.driver.close_edge(scope)),
    "reopen_edge": Effect(lambda r, scope: r.driver.reopen_edge(scope), before=all_is_stopped),
    "destroy": Effect(lambda r, scope: r.driver.destroy(scope)),
    "configure_slot": Effect(lambda r, scope: r.driver.configure_slot(scope, BLUE, r.snapshot(3)), configures=True),
    "revert_slot": Effect(lambda r, scope: r.driver.revert_slot(scope, BLUE, 2), configures=True),
    "configure_edge": Effect(lambda r, scope: r.driver.configure_edge(scope, r.ports[:2], 3), configures=True),
}


@pytest.mark.parametrize("before", [all_runs, all_is_stopped])
def test_an_older_attempt_changes_nothing_by_any_effect(runtime: Runtime, before: Callable[[Runtime], None]) -> None:
    before(runtime)
    runtime.driver.fence(runtime.scope(5))
    runtime.driver.fence(runtime.scope(6, configuration=True))
    found = runtime.settled()
    for name, effect in EFFECTS.items():
        newest = 6 if effect.configures else 5
        with pytest.raises(FencedError):
            effect.do(runtime, runtime.scope(newest - 1, configuration=effect.configures))
        assert runtime.settled() == found, name
    for newest, configures in ((5, False), (6, True)):
        with pytest.raises(FencedError):
            runtime.driver.fence(runtime.scope(newest - 1, configuration=configures))


@pytest.mark.parametrize("name", EFFECTS)
def test_an_effect_done_twice_is_as_done_once(runtime: Runtime, name: str) -> None:
    effect = EFFECTS[name]
    effect.before(runtime)
    found = runtime.settled()
    scope = runtime.scope(configuration=effect.configures)
    effect.do(runtime, scope)
    once = runtime.settled()
    assert once != found
    effect.do(runtime, scope)
    assert runtime.settled() == once


def test_lifecycle_and_configuration_have_fences_of_their_own(runtime: Runtime) -> None:
    runtime.serve()
    runtime.driver.fence(runtime.scope(7))
    runtime.driver.configure_slot(runtime.scope(1, configuration=True), BLUE, runtime.snapshot(2))
    assert runtime.slot().generation == 2
    runtime.driver.fence(runtime.scope(9, configuration=True))
    runtime.driver.drain(runtime.scope(7), BLUE)
    assert runtime.slot().draining


def test_an_attempt_that_has_not_fenced_has_no_effect_yet(runtime: Runtime) -> None:
    runtime.serve()
    with pytest.raises(FencedError):
        runtime.driver.drain(runtime.scope(2), BLUE)
    runtime.driver.fence(runtime.scope(2))
    runtime.driver.fence(runtime.scope(2))
    assert not runtime.slot().draining
    runtime.driver.drain(runtime.scope(2), BLUE)
    assert runtime.slot().draining


def test_an_older_attempt_brings_nothing_of_a_destroyed_gateway_back(runtime: Runtime) -> None:
    all_runs(runtime)
    for configures in (False, True):
        runtime.driver.fence(runtime.scope(2, configuration=configures))
    runtime.driver.destroy(runtime.scope(2))
    nothing = runtime.settled()
    for name, effect in EFFECTS.items():
        if name != "destroy":
            with pytest.raises(DriverError):
                effect.do(runtime, runtime.scope(1, configuration=effect.configures))
            assert runtime.settled() == nothing, name
