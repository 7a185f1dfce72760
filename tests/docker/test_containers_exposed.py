"""A user's own container behind a gateway, by one command, and out again as it was."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import closing

import docker
import pytest
from docker.models.containers import Container

from deployments.drivers.docker.layout import ENGINE_ADMIN_PORT, ENVOY_ADMIN_PORT
from tests.docker.users import Users, as_it_was, await_said, egx_with_docker, own_network, said, users
from tests.e2e.running import Egx, await_that, quiet_port
from tests.testbed.state import Testbed

LARGE = 64 << 20
"""More than what lies on the way holds."""

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def egx(testbed: Testbed) -> Iterator[Egx]:
    with egx_with_docker(testbed) as running:
        yield running


@pytest.fixture(scope="module")
def port(egx: Egx) -> int:
    """Of the one gateway, made for a container that is gone again."""
    return quiet_port()


@pytest.fixture
def mine(engine: docker.DockerClient, testbed: Testbed) -> Iterator[Users]:
    with users(engine, testbed) as made:
        yield made


@pytest.fixture
def gateway(egx: Egx, port: int, engine: docker.DockerClient, testbed: Testbed) -> str:
    """Made by `expose`, the first time."""
    if not any(found["name"] == "web" for found in egx.ask("/gateways")["items"]):
        with users(engine, testbed) as first:
            name = first.run("first", "first").name
            egx.do("expose", str(name), "--at", "/first", "--gateway", "web", "--listen", str(port))
            await_said(port, "/first", "first")
            egx.do("unexpose", str(name))
    return "web"


def test_one_command_and_requests_reach_it_and_another_and_it_is_as_it_was(
    egx: Egx, gateway: str, port: int, mine: Users
) -> None:
    container = mine.run("shop", "hello", ports={"8000/tcp": ("127.0.0.1", quiet_port())})
    name = str(container.name)
    before = as_it_was(mine.engine, name)
    told = egx.do("expose", name, "--at", "/shop", "--dry-run")
    assert f"container {name} joins EGX's network" in told.out
    assert own_network(mine.engine, name) == []
    egx.do("expose", name, "--at", "/shop")
    assert said(port, "/shop") == "hello"
    assert said(port, "/shop/sub/") == "hello sub"
    assert len(own_network(mine.engine, name)) == 1
    (found,) = [item for item in egx.ask("/containers")["items"] if item["name"] == name]
    assert [(one["gateway"], one["path"], one["port"]) for one in found["exposures"]] == [("web", "/shop", 8000)]
    egx.do("unexpose", name)
    assert said(port, "/shop") == ""
    assert as_it_was(mine.engine, name) == before


def test_joining_takes_nothing_from_a_container_that_serves_others(
    egx: Egx, gateway: str, port: int, mine: Users
) -> None:
    published = quiet_port()
    container = mine.run("busy", "hello", ports={"8000/tcp": ("127.0.0.1", published)})
    name = str(container.name)
    container.exec_run(["dd", "if=/dev/zero", "of=/w/large", "bs=1M", f"count={LARGE >> 20}"])
    await_said(published, "/", "hello")
    with closing(http.client.HTTPConnection("127.0.0.1", published, timeout=30)) as client:
        client.request("GET", "/large")
        answer = client.getresponse()
        got = len(answer.read(1 << 20))
        before = default_route(container)
        egx.do("expose", name, "--at", "/busy")
        assert default_route(container) == before
        got += len(answer.read(LARGE // 2))
        egx.do("unexpose", name)
        assert got + len(answer.read()) == LARGE


def default_route(container: Container) -> str:
    told = container.exec_run(["ip", "route"]).output
    assert isinstance(told, bytes)
    lines = told.decode().splitlines()
    return next(line for line in lines if line.startswith("default"))


def test_a_container_that_is_made_anew_is_reached_again_without_help(
    egx: Egx, gateway: str, port: int, mine: Users
) -> None:
    first = mine.run("again", "one")
    name = str(first.name)
    egx.do("expose", name, "--at", "/again")
    assert said(port, "/again") == "one"
    first.remove(force=True)
    other = mine.run("in-between", "not me")  # so that the address is another one
    egx.do("expose", str(other.name), "--at", "/other")
    mine.run("again", "two")
    await_said(port, "/again", "two", seconds=15)
    assert said(port, "/other") == "not me"


def test_a_container_that_somebody_takes_out_comes_back(egx: Egx, gateway: str, port: int, mine: Users) -> None:
    name = str(mine.run("out", "hello").name)
    egx.do("expose", name, "--at", "/out")
    (network,) = own_network(mine.engine, name)
    mine.engine.networks.get(network).disconnect(name)
    await_that(lambda: own_network(mine.engine, name) == [network] or None, "it is back")
    await_said(port, "/out", "hello")
    kinds = [event["kind"] for event in egx.ask("/events", since=0)["items"]]
    assert "container.joined" in kinds


def test_a_name_that_dns_does_not_have_gets_one_of_egx(egx: Egx, gateway: str, port: int, mine: Users) -> None:
    name = str(mine.run("x", "odd", whole_name=f"{mine.prefix}_Odd.name_1").name)
    egx.do("expose", name, "--at", "/odd")
    assert said(port, "/odd") == "odd"


def test_with_its_gateway_a_container_is_out_of_the_network(egx: Egx, gateway: str, mine: Users) -> None:
    other = quiet_port()
    name = str(mine.run("last", "hello").name)
    egx.do("expose", name, "--gateway", "other", "--listen", str(other))
    assert said(other) == "hello"
    egx.do("remove", "other", "-y")
    assert own_network(mine.engine, name) == []


def test_an_engine_that_comes_later_reaches_it_too(egx: Egx, gateway: str, port: int, mine: Users) -> None:
    """What is taken from a route needs a new revision: another container of EGX's, which joins before it serves."""
    name = str(mine.run("later", "hello").name)
    egx.do("expose", name, "--at", "/sub")
    assert said(port, "/sub/") == "hello"
    told = egx.do("expose", name, "--at", "/sub", "--keep-path", "--dry-run")
    assert "a new revision" in told.out
    egx.do("expose", name, "--at", "/sub", "--keep-path")
    assert said(port, "/sub/") == "hello sub"


def test_a_container_of_two_gateways_stays_for_the_one_that_stays(
    egx: Egx, gateway: str, port: int, mine: Users
) -> None:
    other = quiet_port()
    name = str(mine.run("both", "hello").name)
    egx.do("expose", name, "--at", "/both", "--gateway", "web")
    egx.do("expose", name, "--gateway", "other", "--listen", str(other))
    egx.do("remove", "other", "-y")
    assert len(own_network(mine.engine, name)) == 1
    assert said(port, "/both") == "hello"


def test_what_cannot_be_is_said_with_what_to_do(egx: Egx, gateway: str, mine: Users) -> None:
    name = str(mine.run("a", "a").name)
    alone = str(mine.run("alone", "b", network="none", ports={}).name)
    said_of = {
        ("expose", "nobody", "--at", "/"): "there is no container nobody\n  `egx containers` lists them",
        ("expose", alone, "--at", "/"): "it was made without a network",
        ("expose", name, "--at", "shop"): "a path must start with '/'",
        ("expose", name, "--at", "/a", "--target", "local"): "do not reach containers by name",
        ("expose", name, "--at", "/a", "--gateway", "nowhere"): "there is no gateway default/nowhere",
        ("unexpose", name): f"container {name} is not exposed",
    }
    for words, told in said_of.items():
        ran = egx.run(*words)
        assert ran.code == 2, words
        assert told in ran.err
    egx.do("expose", name, "--at", "/a")
    taken = egx.run("expose", str(mine.run("b", "b").name), "--at", "/a")
    assert (taken.code, "has /a of gateway web already" in taken.err) == (4, True)


def test_a_container_that_joined_cannot_steer_the_engine(
    egx: Egx, gateway: str, port: int, mine: Users, engine: docker.DockerClient
) -> None:
    container = mine.run("curious", "hello")
    egx.do("expose", str(container.name), "--at", "/curious")
    (network,) = own_network(engine, str(container.name))
    slots = engine.containers.list(filters={"network": network, "label": "egx.dev/role=slot"})
    (address,) = {one.attrs["NetworkSettings"]["Networks"][network]["IPAddress"] for one in slots}

    def connects(to: int) -> bool:
        shell = ["sh", "-c", f"echo | nc -w 2 {address} {to} > /dev/null 2>&1"]
        return bool(container.exec_run(shell).exit_code == 0)

    assert connects(port)
    assert not connects(ENVOY_ADMIN_PORT)
    assert not connects(ENGINE_ADMIN_PORT)
