"""What every driver keeps, whichever runtime it drives."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
from collections.abc import Callable, Iterator

import pytest

from deployments.drivers.base import ConfigRejectedError, DriverError, Engine, FencedError, Observation, SlotName
from deployments.drivers.process.units import all_units
from tests import hosts
from tests.contract.runtimes import KEY, Runtime, ask

BLUE, GREEN = SlotName.BLUE, SlotName.GREEN

Effect = Callable[[Runtime, int], None]

LIFECYCLE: dict[str, Effect] = {
    "start_slot": lambda r, fence: r.driver.start_slot(
        r.scope(fence), GREEN, r.driver.pull(Engine(version=r.versions[1])), r.snapshot()
    ),
    "open_edge": lambda r, fence: r.driver.open_edge(r.scope(fence), r.snapshot()),
    "switch": lambda r, fence: r.driver.switch(r.scope(fence), BLUE),
    "drain": lambda r, fence: r.driver.drain(r.scope(fence), BLUE),
    "undrain": lambda r, fence: r.driver.undrain(r.scope(fence), BLUE),
    "stop_slot": lambda r, fence: r.driver.stop_slot(r.scope(fence), GREEN),
    "resume_slot": lambda r, fence: r.driver.resume_slot(r.scope(fence), BLUE),
    "close_edge": lambda r, fence: r.driver.close_edge(r.scope(fence)),
    "reopen_edge": lambda r, fence: r.driver.reopen_edge(r.scope(fence)),
    "destroy": lambda r, fence: r.driver.destroy(r.scope(fence)),
}
CONFIGURATION: dict[str, Effect] = {
    "configure_slot": lambda r, fence: r.driver.configure_slot(r.scope(fence, configuration=True), BLUE, r.snapshot(2)),
    "revert_slot": lambda r, fence: r.driver.revert_slot(r.scope(fence, configuration=True), BLUE, 1),
    "configure_edge": lambda r, fence: r.driver.configure_edge(r.scope(fence, configuration=True), [r.ports[0]], 2),
}


def facts(observed: Observation) -> object:
    """An observation without what traffic alone changes."""
    slots = [
        (slot.name, slot.present, slot.alive, slot.ready, slot.draining, slot.engine, slot.generation)
        for slot in observed.slots.values()
    ]
    return observed.edge, slots


def test_nothing_is_there_before_the_first_effect(runtime: Runtime) -> None:
    assert not runtime.observe().exists
    assert runtime.observe().live == ()


def test_a_slot_that_is_started_becomes_ready_with_its_engine_and_generation(runtime: Runtime) -> None:
    runtime.driver.fence(runtime.scope())
    runtime.start(generation=3)
    held = runtime.slot()
    assert held.engine == runtime.driver.pull(Engine(version=runtime.versions[0]))
    assert held.engine.digest.startswith("sha256:")
    assert (held.present, held.generation, held.draining) == (True, 3, False)


def test_an_older_attempt_changes_nothing_by_any_effect(runtime: Runtime) -> None:
    runtime.serve()
    runtime.driver.fence(runtime.scope(5))
    runtime.driver.fence(runtime.scope(6, configuration=True))
    before = facts(runtime.observe())
    for effects, newest in ((LIFECYCLE, 5), (CONFIGURATION, 6)):
        for name, effect in effects.items():
            with pytest.raises(FencedError):
                effect(runtime, newest - 1)
            assert facts(runtime.observe()) == before, name
    with pytest.raises(FencedError):
        runtime.driver.fence(runtime.scope(4))


def test_lifecycle_and_configuration_have_fences_of_their_own(runtime: Runtime) -> None:
    runtime.serve()
    runtime.driver.fence(runtime.scope(7))
    runtime.driver.configure_slot(runtime.scope(1, configuration=True), BLUE, runtime.snapshot(2))
    assert runtime.slot().generation == 2


@pytest.mark.parametrize("name", [name for name in (LIFECYCLE | CONFIGURATION) if name != "destroy"])
def test_an_effect_done_twice_is_as_done_once(runtime: Runtime, name: str) -> None:
    effect = (LIFECYCLE | CONFIGURATION)[name]
    runtime.serve()
    effect(runtime, 1)
    if name == "start_slot":
        assert runtime.becomes(lambda: runtime.slot(GREEN).ready)
    once = facts(runtime.observe())
    effect(runtime, 1)
    assert facts(runtime.observe()) == once


def test_traffic_follows_a_configuration_and_its_reversal(runtime: Runtime) -> None:
    runtime.serve()
    scope = runtime.scope(configuration=True)
    assert runtime.answers(runtime.ports[0]) == "1"
    runtime.driver.configure_slot(scope, BLUE, runtime.snapshot(2))
    assert runtime.answers(runtime.ports[0]) == "2"
    runtime.driver.revert_slot(scope, BLUE, 2)
    assert runtime.slot().generation == 1
    assert runtime.becomes(lambda: runtime.answers(runtime.ports[0]) == "1")


def test_a_generation_that_is_not_held_is_not_reverted(runtime: Runtime) -> None:
    runtime.serve()
    scope = runtime.scope(configuration=True)
    runtime.driver.configure_slot(scope, BLUE, runtime.snapshot(2))
    runtime.driver.revert_slot(scope, BLUE, 1)
    assert runtime.slot().generation == 2


def test_an_older_configuration_than_the_one_in_place_is_refused(runtime: Runtime) -> None:
    runtime.serve()
    scope = runtime.scope(configuration=True)
    runtime.driver.configure_slot(scope, BLUE, runtime.snapshot(3))
    runtime.driver.configure_edge(scope, [runtime.ports[0]], 3)
    before = facts(runtime.observe())
    with pytest.raises(FencedError):
        runtime.driver.configure_slot(scope, BLUE, runtime.snapshot(2))
    with pytest.raises(FencedError):
        runtime.driver.configure_edge(scope, [], 2)
    assert facts(runtime.observe()) == before


def test_a_configuration_that_the_engine_refuses_leaves_what_serves(runtime: Runtime) -> None:
    runtime.serve()
    engine = runtime.driver.pull(Engine(version=runtime.versions[0]))
    runtime.driver.check_config(engine, runtime.snapshot(2))
    with pytest.raises(ConfigRejectedError):
        runtime.driver.check_config(engine, runtime.refused(2))
    with pytest.raises(ConfigRejectedError):
        runtime.driver.configure_slot(runtime.scope(configuration=True), BLUE, runtime.refused(2))
    assert runtime.slot().generation == 1
    assert runtime.answers(runtime.ports[0]) == "1"


def test_the_edge_publishes_the_ports_it_is_told_and_no_other_one_is_touched(runtime: Runtime) -> None:
    runtime.serve()
    first, second = runtime.ports[:2]
    scope = runtime.scope(configuration=True)
    with kept_open(runtime, first) as connection:
        runtime.driver.configure_slot(scope, BLUE, runtime.snapshot(2, ports=2))
        runtime.driver.configure_edge(scope, [first, second], 2)
        assert runtime.observe().edge.ports == tuple(sorted((first, second)))
        assert runtime.answers(second) == "2"
        runtime.driver.configure_edge(scope, [first], 3)
        assert runtime.observe().edge.ports == (first,)
        if connection:
            assert ask(connection) == "2"


@contextlib.contextmanager
def kept_open(runtime: Runtime, port: int) -> Iterator[http.client.HTTPConnection | None]:
    """A connection that has been used and must go on, where the runtime has traffic."""
    if runtime.home is None:
        yield None
        return
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        ask(connection)
        opened = connection.sock
        yield connection
        assert connection.sock is opened, "the connection was closed and made anew"


def test_new_connections_go_where_the_edge_was_switched_and_back(runtime: Runtime) -> None:
    runtime.serve()
    runtime.start(GREEN, generation=2, version=1)
    for to, generation in ((GREEN, "2"), (BLUE, "1"), (GREEN, "2")):
        runtime.driver.switch(runtime.scope(), to)
        assert runtime.observe().edge.serving == to
        assert runtime.answers(runtime.ports[0]) == generation


def test_a_slot_that_serves_cannot_be_stopped(runtime: Runtime) -> None:
    runtime.serve()
    with pytest.raises(DriverError):
        runtime.driver.stop_slot(runtime.scope(), BLUE)
    assert runtime.slot().ready


def test_a_drain_can_be_taken_back(runtime: Runtime) -> None:
    runtime.serve()
    runtime.driver.drain(runtime.scope(), BLUE)
    assert runtime.slot().draining
    runtime.driver.undrain(runtime.scope(), BLUE)
    assert not runtime.slot().draining
    assert runtime.answers(runtime.ports[0]) == "1"


def test_a_stopped_slot_is_resumed_as_it_was(runtime: Runtime) -> None:
    runtime.serve()
    runtime.start(GREEN, generation=2, version=1)
    before = runtime.slot(GREEN)
    runtime.driver.stop_slot(runtime.scope(), GREEN)
    assert not runtime.slot(GREEN).present
    runtime.driver.resume_slot(runtime.scope(), GREEN)
    assert runtime.becomes(lambda: runtime.slot(GREEN).ready)
    assert runtime.slot(GREEN) == before


def test_a_closed_edge_is_reopened_as_it_was(runtime: Runtime) -> None:
    runtime.serve()
    before = runtime.observe().edge
    runtime.driver.close_edge(runtime.scope())
    assert not runtime.observe().edge.present
    runtime.driver.reopen_edge(runtime.scope())
    assert runtime.becomes(lambda: runtime.observe().edge == before)
    assert runtime.answers(runtime.ports[0]) == "1"


def test_a_destroyed_gateway_leaves_nothing_and_others_alone(runtime: Runtime) -> None:
    runtime.serve()
    other = runtime.scope(key="gw2")
    runtime.driver.fence(other)
    engine = runtime.driver.pull(Engine(version=runtime.versions[0]))
    runtime.driver.start_slot(other, BLUE, engine, runtime.snapshot(key="gw2"))
    runtime.driver.destroy(runtime.scope())
    assert not runtime.observe().exists
    assert runtime.observe("gw2").slots[BLUE].present
    if runtime.home:
        assert not (runtime.home / "run" / KEY).exists()
        assert len(hosts.processes_below(runtime.home)) == 1


def test_a_destroyed_gateway_can_be_destroyed_again(runtime: Runtime) -> None:
    runtime.serve()
    runtime.driver.destroy(runtime.scope())
    runtime.driver.fence(runtime.scope(2))
    runtime.driver.destroy(runtime.scope(2))
    assert not runtime.observe().exists


def test_an_engine_that_cannot_be_had_is_said(runtime: Runtime) -> None:
    with pytest.raises(DriverError, match="missing"):
        runtime.driver.pull(Engine(version="missing"))


def test_what_was_killed_is_started_again_as_it_was(runtime: Runtime) -> None:
    if runtime.home is None:
        assert runtime.driver.tend() == ()
        return
    runtime.serve()
    before = facts(runtime.observe())
    for unit in all_units(runtime.home / "run"):
        running = unit.running()
        assert running
        os.kill(running.pid, signal.SIGKILL)
        runtime.driver.await_death(10.0)
        assert [revival.unit for revival in runtime.driver.tend()] == [unit.name]
        assert runtime.becomes(lambda: facts(runtime.observe()) == before)
    assert runtime.answers(runtime.ports[0]) == "1"


def test_a_port_that_is_taken_is_named_before_anything_is_changed(runtime: Runtime) -> None:
    if runtime.home is None:
        runtime.driver.preflight(runtime.snapshot())
        return
    with hosts.backend() as taken:
        runtime.ports[0] = taken
        with pytest.raises(DriverError, match=rf"port {taken} on 127.0.0.1 is in use"):
            runtime.driver.preflight(runtime.snapshot())
    assert not runtime.observe().exists
