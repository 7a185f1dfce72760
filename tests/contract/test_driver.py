"""What every driver keeps, whichever runtime it drives: slots, engines, and the gateway as a whole."""

from __future__ import annotations

import socket

import pytest

from deployments.drivers.base import DriverError, EdgeObservation, Engine, SlotName, SlotObservation
from tests import hosts
from tests.contract.runtimes import KEY, Runtime, facts

BLUE, GREEN = SlotName.BLUE, SlotName.GREEN


def test_nothing_is_there_before_the_first_effect(runtime: Runtime) -> None:
    runtime.driver.preflight(runtime.snapshot())
    runtime.driver.check_config(runtime.engine(), runtime.snapshot())
    runtime.driver.destroy(runtime.scope())
    observed = runtime.observe()
    assert observed.edge == EdgeObservation()
    assert list(observed.slots.values()) == [SlotObservation(name=name) for name in SlotName]
    assert not observed.exists
    assert observed.live == ()
    if runtime.home:
        assert not (runtime.home / "run" / KEY).exists()


def test_a_slot_that_is_started_becomes_ready_with_its_engine_and_generation(runtime: Runtime) -> None:
    runtime.driver.fence(runtime.scope())
    runtime.start(generation=3)
    held = runtime.slot()
    assert held.engine == runtime.engine()
    assert held.engine.digest.startswith("sha256:")
    assert (held.present, held.alive, held.generation, held.draining) == (True, True, 3, False)
    assert runtime.observe().live == (BLUE,)


def test_a_slot_that_is_started_with_another_engine_runs_that_one_and_its_configuration(runtime: Runtime) -> None:
    runtime.serve()
    serving = runtime.slot()
    runtime.start(GREEN)
    runtime.start(GREEN, generation=2, version=1)
    assert (runtime.slot(GREEN).engine, runtime.slot(GREEN).generation) == (runtime.engine(1), 2)
    assert runtime.slot() == serving


def test_a_slot_that_serves_cannot_be_stopped(runtime: Runtime) -> None:
    runtime.serve()
    before = runtime.settled()
    with pytest.raises(DriverError):
        runtime.driver.stop_slot(runtime.scope(), BLUE)
    assert runtime.settled() == before
    assert runtime.answers(runtime.ports[0]) == "1"


def test_a_drain_can_be_taken_back(runtime: Runtime) -> None:
    runtime.serve()
    runtime.driver.drain(runtime.scope(), BLUE)
    assert (runtime.slot().draining, runtime.slot().ready) == (True, True)
    assert runtime.answers(runtime.ports[0]) == "1"
    runtime.driver.undrain(runtime.scope(), BLUE)
    assert not runtime.slot().draining
    assert runtime.answers(runtime.ports[0]) == "1"


def test_a_slot_that_does_not_run_does_not_drain_and_cannot_be_undrained(runtime: Runtime) -> None:
    runtime.serve()
    runtime.start(GREEN)
    runtime.driver.drain(runtime.scope(), GREEN)
    runtime.driver.stop_slot(runtime.scope(), GREEN)
    assert not runtime.slot(GREEN).draining
    runtime.driver.drain(runtime.scope(), GREEN)
    with pytest.raises(DriverError):
        runtime.driver.undrain(runtime.scope(), GREEN)
    runtime.driver.resume_slot(runtime.scope(), GREEN)
    assert runtime.becomes(lambda: runtime.slot(GREEN).ready)
    assert not runtime.slot(GREEN).draining


def test_a_stopped_slot_is_resumed_and_serves_as_before(runtime: Runtime) -> None:
    runtime.serve()
    runtime.start(GREEN, generation=2, version=1)
    before = runtime.slot(GREEN)
    runtime.driver.stop_slot(runtime.scope(), GREEN)
    stopped = runtime.slot(GREEN)
    assert (stopped.present, stopped.alive, stopped.ready) == (False, False, False)
    assert (stopped.engine, stopped.generation) == (before.engine, before.generation)
    runtime.driver.resume_slot(runtime.scope(), GREEN)
    assert runtime.becomes(lambda: runtime.slot(GREEN).ready)
    assert runtime.slot(GREEN) == before
    runtime.driver.switch(runtime.scope(), GREEN)
    assert runtime.answers(runtime.ports[0]) == "2"


def test_a_slot_that_never_was_is_neither_stopped_nor_resumed(runtime: Runtime) -> None:
    runtime.driver.fence(runtime.scope())
    for effect in (runtime.driver.stop_slot, runtime.driver.resume_slot, runtime.driver.drain):
        effect(runtime.scope(), GREEN)
        assert runtime.slot(GREEN) == SlotObservation(name=GREEN)


def test_a_destroyed_gateway_leaves_nothing_and_others_alone(runtime: Runtime) -> None:
    other = runtime.scope(key="gw2")
    runtime.driver.fence(other)
    runtime.driver.start_slot(other, BLUE, runtime.engine(), runtime.snapshot(key="gw2"))
    assert runtime.becomes(lambda: runtime.observe("gw2").slots[BLUE].ready)
    before, processes = facts(runtime.observe("gw2")), runtime.processes()
    runtime.serve()
    runtime.driver.destroy(runtime.scope())
    assert facts(runtime.observe()) == facts(runtime.observe("never-made"))
    assert not runtime.accepts(runtime.ports[0])
    assert facts(runtime.observe("gw2")) == before
    if runtime.home:
        assert not (runtime.home / "run" / KEY).exists()
        assert hosts.processes_below(runtime.home) == processes


def test_a_destroyed_gateway_can_be_destroyed_again_and_made_anew(runtime: Runtime) -> None:
    runtime.serve()
    for fence in (2, 3):
        runtime.driver.fence(runtime.scope(fence))
        runtime.driver.destroy(runtime.scope(fence))
        assert not runtime.observe().exists
    runtime.driver.fence(runtime.scope(4))
    runtime.driver.start_slot(runtime.scope(4), GREEN, runtime.engine(), runtime.snapshot())
    assert runtime.becomes(lambda: runtime.slot(GREEN).ready)
    runtime.driver.open_edge(runtime.scope(4), runtime.snapshot())
    runtime.driver.switch(runtime.scope(4), GREEN)
    assert runtime.answers(runtime.ports[0]) == "1"


def test_an_engine_that_cannot_be_had_is_said_with_a_way_out(runtime: Runtime) -> None:
    with pytest.raises(DriverError, match="missing") as refused:
        runtime.driver.pull(Engine(version="missing"))
    assert refused.value.hint


def test_the_ports_of_a_gateway_do_not_stand_in_its_own_way(runtime: Runtime) -> None:
    runtime.serve(ports=2)
    before = runtime.settled()
    runtime.driver.preflight(runtime.snapshot(2, ports=2))
    assert runtime.settled() == before


def test_a_port_that_is_taken_is_named_before_anything_is_changed(runtime: Runtime) -> None:
    if not runtime.has_traffic:
        runtime.driver.preflight(runtime.snapshot())
        return
    with hosts.backend() as taken:
        runtime.ports[0] = taken
        with pytest.raises(DriverError, match=rf"port {taken} on 127.0.0.1 is in use"):
            runtime.driver.preflight(runtime.snapshot())
        (obstacle,) = runtime.driver.obstacles(runtime.snapshot())
        assert obstacle.field == "spec.listeners[0].port"
    assert not runtime.observe().exists


def test_a_port_that_is_taken_in_the_last_moment_is_not_published_and_the_others_go_on(runtime: Runtime) -> None:
    runtime.serve()
    if not runtime.has_traffic:
        assert not runtime.driver.obstacles(runtime.snapshot())
        return
    before = runtime.observe().edge
    scope = runtime.scope(configuration=True)
    runtime.driver.configure_slot(scope, BLUE, runtime.snapshot(2, ports=2))
    told = rf"port {runtime.ports[1]} on 127.0.0.1 is in use"
    with socket.create_server(("127.0.0.1", runtime.ports[1])), pytest.raises(DriverError, match=told):
        runtime.driver.configure_edge(scope, runtime.ports[:2], 2)
    assert runtime.observe().edge == before
    assert runtime.answers(runtime.ports[0]) == "2"
