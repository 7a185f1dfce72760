"""What dies is noticed and comes back as it was."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from deployments.drivers.base import Revival
from tests.contract.runtimes import Runtime, facts

LONG = 60.0
"""Longer than any test waits."""
SOON = 10.0

pytestmark = pytest.mark.parametrize("runtime", ["process"], indirect=True)


def kill(runtime: Runtime, name: str) -> None:
    running = runtime.unit(name).running()
    assert running
    os.kill(running.pid, signal.SIGKILL)
    assert runtime.becomes(lambda: runtime.unit(name).running() is None)


def awaiting(runtime: Runtime) -> threading.Thread:
    thread = threading.Thread(target=runtime.driver.await_death, args=(LONG,), daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("name", ["blue", "edge"])
def test_what_was_killed_is_started_again_as_it_was(runtime: Runtime, name: str) -> None:
    runtime.serve()
    before = facts(runtime.observe())
    processes = runtime.processes()
    kill(runtime, name)
    assert facts(runtime.observe()) != before
    (revival,) = runtime.driver.tend()
    assert isinstance(revival, Revival)
    assert (revival.key, revival.unit, revival.failures) == ("gw1", name, 1)
    assert runtime.becomes(lambda: facts(runtime.observe()) == before)
    assert runtime.answers(runtime.ports[0]) == "1"
    assert len(runtime.processes() & processes) == 1
    assert runtime.driver.tend() == []


def test_what_was_stopped_is_not_started_again(runtime: Runtime) -> None:
    runtime.serve()
    runtime.driver.close_edge(runtime.scope())
    before = runtime.settled()
    assert runtime.driver.tend() == []
    assert runtime.settled() == before


def test_a_death_ends_the_wait_for_one(runtime: Runtime) -> None:
    runtime.serve()
    waiting = awaiting(runtime)
    kill(runtime, "blue")
    waiting.join(SOON)
    assert not waiting.is_alive()


def test_a_death_between_two_waits_ends_the_next_one_at_once(runtime: Runtime) -> None:
    runtime.serve()
    runtime.driver.tend()
    kill(runtime, "edge")
    waiting = awaiting(runtime)
    waiting.join(SOON)
    assert not waiting.is_alive()


def test_a_wait_without_a_death_ends_when_its_time_is_over(runtime: Runtime) -> None:
    runtime.serve()
    before = runtime.settled()
    waiting = threading.Thread(target=runtime.driver.await_death, args=(0.1,), daemon=True)
    waiting.start()
    waiting.join(SOON)
    assert not waiting.is_alive()
    assert runtime.settled() == before
