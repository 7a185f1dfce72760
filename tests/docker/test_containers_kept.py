"""Nothing is lost by joining and leaving: not by clients of the gateway, and not by a kill in the middle."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from tests import hosts
from tests.builders import gateway_yaml, route_yaml
from tests.docker.users import Users, as_it_was, await_said, egx_with_docker, own_network, users
from tests.e2e.running import Egx, await_that, quiet_port
from tests.load import Load
from tests.testbed.state import Testbed

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


@pytest.fixture
def port() -> int:
    return quiet_port()


@pytest.fixture
def egx(testbed: Testbed, port: int) -> Iterator[Egx]:
    with egx_with_docker(testbed) as running:
        running.do("apply", "-f", "-", "--target", "docker", stdin=gateway_yaml(ports=(port,)))
        yield running


@pytest.fixture
def mine(engine: docker.DockerClient, testbed: Testbed) -> Iterator[Users]:
    with users(engine, testbed) as made:
        yield made


def test_clients_of_the_gateway_notice_nothing(egx: Egx, port: int, mine: Users) -> None:
    """Its engine, too, joins a network, while it serves."""
    name = str(mine.run("shop", "hello").name)
    with hosts.backend("0.0.0.0") as backend:
        egx.do("apply", "-f", "-", "--target", "docker", stdin=route_yaml(path="/ok", backend_port=backend))
        with Load(port, "/ok") as load:
            egx.do("expose", name, "--at", "/shop")
            await_said(port, "/shop", "hello")
            egx.do("unexpose", name)
    assert load.failures == []
    assert load.answered


@pytest.mark.parametrize("step", ["check_config", "join_containers", "configure_slots"])
def test_a_kill_while_it_is_exposed_ends_in_its_being_exposed(egx: Egx, port: int, mine: Users, step: str) -> None:
    name = str(mine.run("shop", "hello").name)
    kill_at(egx, step, "expose", name, "--at", "/shop")
    egx.do("up", "-d", "--no-demo")
    await_said(port, "/shop", "hello", seconds=60)
    assert len(own_network(mine.engine, name)) == 1


@pytest.mark.parametrize("step", ["configure_slots", "leave_containers"])
def test_a_kill_while_it_is_taken_back_leaves_it_as_it_was(egx: Egx, port: int, mine: Users, step: str) -> None:
    name = str(mine.run("shop", "hello").name)
    before = as_it_was(mine.engine, name)
    egx.do("expose", name, "--at", "/shop")
    kill_at(egx, step, "unexpose", name)
    egx.do("up", "-d", "--no-demo")
    await_that(lambda: own_network(mine.engine, name) == [] or None, "it is out of the network", seconds=60)
    assert as_it_was(mine.engine, name) == before


def kill_at(egx: Egx, step: str, *command: str) -> None:
    """SIGKILL for all of EGX once the step is begun, or is over already."""
    last = egx.ask("/events", since=0)["last"]
    egx.do(*command, "--no-wait")

    def begun() -> bool | None:
        events = egx.ask("/events", since=last)["items"]
        return any(event["kind"] == "operation.step" and event["data"]["name"] == step for event in events) or None

    await_that(begun, f"{step} is begun")
    egx.kill_group()
