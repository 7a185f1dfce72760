"""The edge publishes what it is told, points where it is told, and touches nothing else."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Iterator

import pytest

from deployments.drivers.base import DriverError, EdgeObservation, SlotName
from tests.contract.runtimes import Runtime, ask

BLUE, GREEN = SlotName.BLUE, SlotName.GREEN


@contextlib.contextmanager
def kept_open(runtime: Runtime, port: int) -> Iterator[None]:
    """A connection that has been used before the block, and must go on after it, where the runtime has traffic."""
    if not runtime.has_traffic:
        yield
        return
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        ask(connection)
        opened = connection.sock
        yield
        ask(connection)
        assert connection.sock is opened, "the connection was closed and made anew"


def test_an_opened_edge_publishes_exactly_the_ports_of_the_snapshot(runtime: Runtime) -> None:
    runtime.serve(ports=2)
    assert runtime.observe().edge.ports == tuple(sorted(runtime.ports[:2]))
    assert [runtime.answers(port) for port in runtime.ports[:2]] == ["1", "1"]
    assert not runtime.accepts(runtime.ports[2])


def test_an_edge_that_is_opened_again_takes_new_ports_and_keeps_its_connections(runtime: Runtime) -> None:
    runtime.serve()
    runtime.driver.configure_slot(runtime.scope(), BLUE, runtime.snapshot(2, ports=2))
    with kept_open(runtime, runtime.ports[0]):
        runtime.driver.open_edge(runtime.scope(), runtime.snapshot(2, ports=2))
        assert runtime.answers(runtime.ports[1]) == "2"


def test_an_edge_is_not_opened_with_an_older_configuration_than_it_has(runtime: Runtime) -> None:
    runtime.serve()
    runtime.driver.configure_edge(runtime.scope(configuration=True), runtime.ports[:2], 3)
    before = runtime.observe().edge
    runtime.driver.open_edge(runtime.scope(), runtime.snapshot(2))
    assert runtime.observe().edge == before


def test_an_edge_without_a_slot_to_point_at_is_not_opened(runtime: Runtime) -> None:
    runtime.driver.fence(runtime.scope())
    with pytest.raises(DriverError):
        runtime.driver.open_edge(runtime.scope(), runtime.snapshot())
    assert runtime.observe().edge == EdgeObservation()
    assert not runtime.accepts(runtime.ports[0])


def test_ports_come_and_go_and_the_connections_of_others_go_on(runtime: Runtime) -> None:
    runtime.serve()
    first, second, third = runtime.ports
    scope = runtime.scope(configuration=True)
    runtime.driver.configure_slot(scope, BLUE, runtime.snapshot(2, ports=3))
    with kept_open(runtime, first):
        runtime.driver.configure_edge(scope, [third, first, second], 2)
        assert runtime.observe().edge.ports == tuple(sorted(runtime.ports))
        assert (runtime.answers(second), runtime.answers(third)) == ("2", "2")
        with kept_open(runtime, third):
            runtime.driver.configure_edge(scope, [first, third], 3)
        assert runtime.observe().edge.ports == tuple(sorted((first, third)))
        assert not runtime.accepts(second)


def test_new_connections_go_where_the_edge_was_switched_and_back(runtime: Runtime) -> None:
    runtime.serve()
    runtime.start(GREEN, generation=2, version=1)
    for to, generation in ((GREEN, "2"), (BLUE, "1"), (GREEN, "2")):
        with kept_open(runtime, runtime.ports[0]):
            runtime.driver.switch(runtime.scope(), to)
            assert runtime.observe().edge.serving == to
            assert runtime.answers(runtime.ports[0]) == generation


def test_an_edge_that_was_switched_to_none_serves_by_none_and_can_be_switched_back(runtime: Runtime) -> None:
    runtime.serve()
    runtime.driver.switch(runtime.scope(), None)
    assert runtime.observe().edge.serving is None
    assert runtime.slot().ready
    runtime.driver.switch(runtime.scope(), BLUE)
    assert runtime.answers(runtime.ports[0]) == "1"


def test_the_edge_is_not_switched_to_a_slot_that_does_not_run(runtime: Runtime) -> None:
    runtime.serve()
    with pytest.raises(DriverError):
        runtime.driver.switch(runtime.scope(), GREEN)
    runtime.start(GREEN)
    runtime.driver.stop_slot(runtime.scope(), GREEN)
    with pytest.raises(DriverError):
        runtime.driver.switch(runtime.scope(), GREEN)
    assert runtime.observe().edge.serving == BLUE
    assert runtime.answers(runtime.ports[0]) == "1"


def test_a_closed_edge_accepts_nothing_and_is_reopened_as_it_was(runtime: Runtime) -> None:
    runtime.serve(ports=2)
    before = runtime.observe().edge
    runtime.driver.close_edge(runtime.scope())
    closed = runtime.observe().edge
    assert (closed.present, closed.alive, closed.ports, closed.serving) == (False, False, (), None)
    assert not any(runtime.accepts(port) for port in runtime.ports)
    runtime.driver.reopen_edge(runtime.scope())
    assert runtime.becomes(lambda: runtime.observe().edge == before)
    assert [runtime.answers(port) for port in runtime.ports[:2]] == ["1", "1"]


def test_an_edge_that_is_not_open_is_neither_switched_nor_configured(runtime: Runtime) -> None:
    runtime.serve()
    before = runtime.observe().edge
    runtime.driver.close_edge(runtime.scope())
    with pytest.raises(DriverError):
        runtime.driver.switch(runtime.scope(), None)
    with pytest.raises(DriverError):
        runtime.driver.configure_edge(runtime.scope(configuration=True), runtime.ports, 2)
    runtime.driver.reopen_edge(runtime.scope())
    assert runtime.becomes(lambda: runtime.observe().edge == before)


def test_an_edge_that_was_never_opened_is_neither_closed_nor_reopened(runtime: Runtime) -> None:
    runtime.driver.fence(runtime.scope())
    runtime.start()
    for effect in (runtime.driver.close_edge, runtime.driver.reopen_edge):
        effect(runtime.scope())
        assert runtime.observe().edge == EdgeObservation()
