"""Each class of configuration change under load: nobody loses a request, nobody is answered by a wrong backend, and
what is not wanted any more is really gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import docker
import pytest

from deployments.drivers import logins
from deployments.drivers.base import ConfigRejectedError
from gateways.spec.snapshot import GatewaySnapshot
from tests.docker import gateways, places
from tests.docker.gateways import Json, Served, rule, set_header
from tests.load import Load
from tests.testbed.state import Testbed

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


@pytest.fixture
def gateway(
    request: pytest.FixtureRequest, testbed: Testbed, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Served]:
    """With the marker's arguments for the driver."""
    monkeypatch.setattr(logins, "_own", [])
    options = getattr(request, "param", {})
    with places.home_of(testbed) as home, gateways.served(places.driver(home, testbed, **options), engine) as made:
        made.serve()
        yield made


OUTSIDE = {"volume": "none", "reach": "door"}
"""An EGX that can neither write into the volume nor reach into the network itself, as on Docker Desktop's host."""


def two(*paths: str, told: str) -> list[Json]:
    """`/` to web and each path to other."""
    header = [set_header(told)]
    return [rule(filters=header), *(rule(path, backend="other", filters=header) for path in paths)]


def value(gateway: Served) -> GatewaySnapshot:
    return gateway.snapshot(*two("/other", told=str(gateway.generation + 1)))


def another_route(gateway: Served) -> GatewaySnapshot:
    told = str(gateway.generation + 1)
    return gateway.snapshot(*two("/other", told=told), more={f"r{told}": two(f"/r{told}", told=told)[1:]})


def another_backend(gateway: Served) -> GatewaySnapshot:
    """The rule of `/swap` sends to the other backend than before."""
    told = str(gateway.generation + 1)
    backend = ("web", "other")[gateway.generation % 2]
    return gateway.snapshot(*two("/other", told=told), more={"swap": [rule("/swap", backend=backend)]})


def another_order(gateway: Served) -> GatewaySnapshot:
    rules = two("/other", told=str(gateway.generation + 1))
    return gateway.snapshot(*(rules if gateway.generation % 2 else rules[::-1]))


def more_and_fewer_rules(gateway: Served) -> GatewaySnapshot:
    told = str(gateway.generation + 1)
    return gateway.snapshot(*two("/other", *["/more"] * (gateway.generation % 2), told=told))


def hostnames(gateway: Served) -> GatewaySnapshot:
    told = str(gateway.generation + 1)
    more: Json = {"hostnames": ["127.0.0.1", "named.example"]} if gateway.generation % 2 else {}
    return gateway.snapshot(*two("/other", told=told), **more)


def another_name(gateway: Served) -> GatewaySnapshot:
    told = str(gateway.generation + 1)
    return gateway.snapshot(*two("/other", told=told), more={f"name-{told}": two("/named", told=told)[1:]})


IN_PLACE = (value, another_backend)
BY_REVISION = (another_order, more_and_fewer_rules, hostnames, another_name)


@pytest.mark.parametrize("change", [*IN_PLACE, *BY_REVISION])
def test_a_change_under_load_loses_nothing_and_misleads_nobody(
    gateway: Served, change: Callable[[Served], GatewaySnapshot]
) -> None:
    gateway.configure(change(gateway))
    with ExitStack() as stack:
        loads = [stack.enter_context(Load(gateway.ports[0], path, says=says)) for path, says in PATHS]
        for _number in range(3):
            wanted = change(gateway)
            way = gateway.way(wanted)
            assert bool(way) == (change in BY_REVISION), way
            gateway.configure(wanted)
            assert gateway.answers() == (200, str(gateway.generation))
    assert [load.failures for load in loads] == [[] for _ in loads]
    assert all(load.answered for load in loads)


PATHS = (("/", "web"), ("/other", "other"))


@pytest.mark.parametrize("gateway", [OUTSIDE], indirect=True)
@pytest.mark.parametrize("change", [value, another_order])
def test_an_egx_that_is_outside_does_it_by_containers(
    gateway: Served, change: Callable[[Served], GatewaySnapshot]
) -> None:
    test_a_change_under_load_loses_nothing_and_misleads_nobody(gateway, change)
    roles = {one.labels["egx.dev/role"] for one in gateway.engine.containers.list() if gateway.owns(one)}
    assert roles == {"slot", "edge", "files", "door"}


def test_routes_that_come_and_go_go_in_place_and_are_there_and_gone(gateway: Served) -> None:
    with Load(gateway.ports[0], says="web") as load:
        for _number in range(2):
            gateway.configure(another_route(gateway))
            assert gateway.answers(f"/r{gateway.generation}") == (200, str(gateway.generation))
            gone = f"/r{gateway.generation}"
            wanted = gateway.snapshot(*two("/other", told=str(gateway.generation + 1)))
            gateway.configure(wanted)
            assert gateway.answers(gone) == (200, str(gateway.generation))  # by `/`, as nothing else fits
    assert load.failures == []


def test_a_field_that_is_removed_is_really_gone(gateway: Served) -> None:
    told = str(gateway.generation + 1)
    gateway.configure(gateway.snapshot(*two(told=told), hostnames=["named.example"]))
    assert gateway.answers()[0] == 404
    gateway.configure(gateway.snapshot(*two(told=str(gateway.generation + 1))))
    assert gateway.answers() == (200, str(gateway.generation))


def test_a_listener_comes_and_goes_without_touching_the_first(gateway: Served) -> None:
    scope = gateway.scope(configuration=True)
    with Load(gateway.ports[0], says="web") as load:
        for _number in range(2):
            wanted = gateway.snapshot(ports=2)
            assert gateway.way(wanted) == ""
            gateway.configure(wanted)
            gateway.driver.configure_edge(scope, wanted.ports, wanted.generation)
            assert gateway.answers(port=gateway.ports[1]) == (200, str(gateway.generation))
            wanted = gateway.snapshot()
            gateway.driver.configure_edge(scope, wanted.ports, wanted.generation)
            gateway.configure(wanted)
    assert load.failures == []
    assert gateway.observe().edge.ports == (gateway.ports[0],)


def test_what_the_engine_says_against_a_configuration_reaches_the_user_in_its_words(gateway: Served) -> None:
    long: Json = {"timeouts": {"request": "1s", "backendRequest": "5s"}}
    with Load(gateway.ports[0], says="web") as load:
        with pytest.raises(ConfigRejectedError, match="backendRequest timeout cannot be longer than request timeout"):
            gateway.configure(gateway.snapshot(rule(**long)))
        assert gateway.answers() == (200, "1")
        gateway.configure(gateway.snapshot())
    assert load.failures == []
    assert gateway.answers() == (200, str(gateway.generation))
