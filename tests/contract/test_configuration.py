"""A slot holds the old configuration or the new one, and a client sees no third."""

from __future__ import annotations

import os
import signal

import pytest

from deployments.drivers.base import ConfigRejectedError, DriverError, FencedError, SilentError, SlotName
from tests import hosts
from tests.contract.runtimes import Runtime, facts
from tests.load import Load

BLUE, GREEN = SlotName.BLUE, SlotName.GREEN
on_real_traffic = pytest.mark.parametrize("runtime", ["process"], indirect=True)


def test_traffic_follows_a_configuration_and_its_reversal(runtime: Runtime) -> None:
    runtime.serve()
    scope = runtime.scope(configuration=True)
    assert runtime.answers(runtime.ports[0]) == "1"
    runtime.driver.configure_slot(scope, BLUE, runtime.snapshot(2))
    assert runtime.answers(runtime.ports[0]) == "2"
    runtime.driver.revert_slot(scope, BLUE, 2)
    assert runtime.slot().generation == 1
    assert runtime.answers(runtime.ports[0]) == "1"


def test_a_generation_that_is_not_held_is_not_reverted(runtime: Runtime) -> None:
    runtime.serve()
    scope = runtime.scope(configuration=True)
    runtime.driver.configure_slot(scope, BLUE, runtime.snapshot(2))
    runtime.driver.revert_slot(scope, BLUE, 1)
    assert runtime.slot().generation == 2
    assert runtime.answers(runtime.ports[0]) == "2"


def test_a_generation_that_was_taken_back_stays_refused_and_the_next_one_is_taken(runtime: Runtime) -> None:
    runtime.serve()
    scope = runtime.scope(configuration=True)
    runtime.driver.configure_slot(scope, BLUE, runtime.snapshot(2))
    runtime.driver.revert_slot(scope, BLUE, 2)
    runtime.driver.revert_slot(scope, BLUE, 1)  # nothing was held before it
    with pytest.raises(ConfigRejectedError):
        runtime.driver.configure_slot(scope, BLUE, runtime.snapshot(2))
    assert runtime.slot().generation == 1
    runtime.driver.configure_slot(scope, BLUE, runtime.snapshot(3))
    assert runtime.answers(runtime.ports[0]) == "3"


def test_what_the_engine_refuses_leaves_what_serves_and_stays_refused(runtime: Runtime) -> None:
    runtime.serve()
    before = runtime.settled()
    runtime.driver.check_config(runtime.engine(), runtime.snapshot(2))
    if runtime.judges_apart:
        with pytest.raises(ConfigRejectedError):
            runtime.driver.check_config(runtime.engine(), runtime.refused(2))
    assert runtime.settled() == before
    scope = runtime.scope(configuration=True)
    for wanted in (runtime.refused(2), runtime.snapshot(2)):
        with pytest.raises(ConfigRejectedError):
            runtime.driver.configure_slot(scope, BLUE, wanted)
        assert runtime.settled() == before
        assert runtime.answers(runtime.ports[0]) == "1"
    runtime.driver.configure_slot(scope, BLUE, runtime.snapshot(3))
    assert runtime.answers(runtime.ports[0]) == "3"


@pytest.mark.parametrize("configuration", [True, False])
def test_an_older_configuration_than_the_one_in_place_is_refused_to_either_realm(
    runtime: Runtime, configuration: bool
) -> None:
    runtime.serve()
    runtime.driver.configure_slot(runtime.scope(configuration=True), BLUE, runtime.snapshot(3))
    runtime.driver.configure_edge(runtime.scope(configuration=True), runtime.ports[:1], 3)
    before = runtime.settled()
    scope = runtime.scope(configuration=configuration)
    with pytest.raises(FencedError):
        runtime.driver.configure_slot(scope, BLUE, runtime.snapshot(2))
    with pytest.raises(FencedError):
        runtime.driver.configure_edge(scope, [], 2)
    assert runtime.settled() == before
    assert runtime.answers(runtime.ports[0]) == "3"


def test_a_slot_that_is_started_anew_has_nothing_to_go_back_to(runtime: Runtime) -> None:
    runtime.serve()
    runtime.start(GREEN)
    runtime.driver.configure_slot(runtime.scope(configuration=True), GREEN, runtime.snapshot(2))
    runtime.driver.stop_slot(runtime.scope(), GREEN)
    runtime.start(GREEN, generation=3)
    runtime.driver.revert_slot(runtime.scope(configuration=True), GREEN, 3)
    assert runtime.slot(GREEN).generation == 3
    runtime.driver.switch(runtime.scope(), GREEN)
    assert runtime.answers(runtime.ports[0]) == "3"


def test_a_stopped_slot_takes_no_configuration_and_is_resumed_as_it_was(runtime: Runtime) -> None:
    runtime.serve()
    runtime.start(GREEN)
    runtime.driver.stop_slot(runtime.scope(), GREEN)
    with pytest.raises(DriverError):
        runtime.driver.configure_slot(runtime.scope(configuration=True), GREEN, runtime.snapshot(2))
    runtime.driver.resume_slot(runtime.scope(), GREEN)
    assert runtime.becomes(lambda: runtime.slot(GREEN).ready)
    assert runtime.slot(GREEN).generation == 1
    runtime.driver.switch(runtime.scope(), GREEN)
    assert runtime.answers(runtime.ports[0]) == "1"


def test_a_port_that_a_configuration_took_away_answers_again_once_it_is_taken_back(runtime: Runtime) -> None:
    runtime.serve(ports=2)
    first, second = sorted(runtime.ports[:2])
    runtime.ports[:2] = [first, second]
    scope = runtime.scope(configuration=True)
    runtime.driver.configure_edge(scope, [first], 2)
    runtime.driver.configure_slot(scope, BLUE, runtime.snapshot(2))
    assert not runtime.accepts(second)
    runtime.driver.revert_slot(scope, BLUE, 2)
    runtime.driver.configure_edge(scope, [first, second], 2)
    assert (runtime.answers(first), runtime.answers(second)) == ("1", "1")


@on_real_traffic
def test_a_slot_that_died_takes_no_part_of_a_configuration_and_all_of_it_once_it_is_back(runtime: Runtime) -> None:
    runtime.serve()
    before = facts(runtime.observe())
    running = runtime.unit("blue").running()
    assert running
    os.kill(running.pid, signal.SIGKILL)
    assert runtime.becomes(lambda: not runtime.slot().alive)
    scope = runtime.scope(configuration=True)
    with pytest.raises(SilentError):
        runtime.driver.configure_slot(scope, BLUE, runtime.snapshot(2))
    runtime.driver.tend()
    assert runtime.becomes(lambda: facts(runtime.observe()) == before)
    assert runtime.answers(runtime.ports[0]) == "1"
    runtime.driver.configure_slot(scope, BLUE, runtime.snapshot(2))
    assert runtime.answers(runtime.ports[0]) == "2"


@on_real_traffic
def test_no_request_is_lost_while_another_backend_comes_and_is_taken_back(runtime: Runtime) -> None:
    runtime.serve()
    scope = runtime.scope(configuration=True)
    with hosts.backend() as another, Load(runtime.ports[0]) as load:
        for generation in range(2, 32):
            runtime.driver.configure_slot(scope, BLUE, runtime.snapshot(generation, backend=another))
            assert runtime.answers(runtime.ports[0]) == str(generation)
            runtime.driver.revert_slot(scope, BLUE, generation)
            assert runtime.answers(runtime.ports[0]) == "1"
    assert load.failures == []
    assert load.answered > 30
