"""What somebody stops, kills or removes by hand comes back as it was, or is explained."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import docker
import pytest

from deployments.drivers import logins
from deployments.drivers.base import ContainerNews, Retirement, Revival
from tests.docker import gateways, places
from tests.docker.gateways import Served
from tests.testbed.state import Testbed

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


@pytest.fixture
def gateway(testbed: Testbed, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(logins, "_own", [])
    with places.home_of(testbed) as home, gateways.served(places.driver(home, testbed), engine) as made:
        made.serve()
        assert made.serves()
        yield made


def told_of(found: list[Revival | Retirement | ContainerNews]) -> set[str]:
    return {one.unit for one in found if isinstance(one, Revival)}


@pytest.mark.parametrize("role", ["slot", "edge"])
@pytest.mark.parametrize("how", ["stop", "kill", "remove"])
def test_a_container_that_somebody_stops_kills_or_removes_comes_back(gateway: Served, role: str, how: str) -> None:
    unit = "blue" if role == "slot" else f"edge-{gateway.ports[0]}"
    container = gateway.container(role)
    address = gateway.driver._shelf("gw1").read().revisions[1].address
    {"stop": container.stop, "kill": container.kill, "remove": lambda: container.remove(force=True)}[how]()
    told = gateway.tend_until(gateway.serves)
    assert told_of(told) <= {unit}
    assert gateway.becomes(lambda: gateway.slot().ready)
    assert gateway.driver._shelf("gw1").read().revisions[1].address == address


def test_an_envoy_that_its_controller_has_lost_comes_back(gateway: Served) -> None:
    gateway.tend_until(gateway.serves)  # it was seen to answer
    processes = gateway.container("slot").top()
    pid = processes["Titles"].index("PID")
    envoy = next(row[pid] for row in processes["Processes"] if "envoy-versions" in row[-1])
    os.kill(int(envoy), signal.SIGKILL)
    assert gateway.becomes(lambda: not gateway.serves())
    told = gateway.tend_until(gateway.serves)
    assert told_of(told) == {"blue"}


def test_after_everything_is_removed_by_hand_the_gateway_is_built_again(gateway: Served) -> None:
    names = gateway.driver.ground.names
    for role in ("slot", "edge"):
        gateway.container(role).remove(force=True)
    gateway.engine.networks.get(names.network).remove()
    gateway.engine.volumes.get(names.volume).remove(force=True)
    told = gateway.tend_until(gateway.serves)
    assert told_of(told) == {"blue", f"edge-{gateway.ports[0]}"}
    assert gateway.becomes(lambda: gateway.slot().ready)
    assert gateway.answers() == (200, "1")


def test_containers_that_were_stopped_start_in_any_order_with_their_addresses(gateway: Served) -> None:
    from deployments.drivers.base import Engine, SlotName

    gateway.driver.start_slot(
        gateway.scope(), SlotName.GREEN, gateway.driver.pull(Engine(version="1.8.3")), gateway.snapshot()
    )
    assert gateway.becomes(lambda: gateway.slot(SlotName.GREEN).ready)
    gateway.driver.switch(gateway.scope(), SlotName.GREEN)
    assert gateway.answers() == (200, "2")
    label = f"egx.dev/installation={gateway.driver.ground.names.installation}"
    found = gateway.engine.containers.list(filters={"label": [label, "egx.dev/role=slot"]})
    for container in found:
        container.stop(timeout=1)
    for container in found:  # newest first, as Docker lists them: the other way round than they were started
        container.start()
    assert gateway.becomes(gateway.serves)
    assert gateway.answers() == (200, "2")
