"""The resources of a slot as a whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployments.drivers.process.xds.slot import check_bootstrap, slot_bootstrap, slot_resources
from gateways.spec.snapshot import Endpoint
from tests.deployments.xds.builders import exact, listener, prefix, route, service, snapshot, to, virtual_hosts
from tests.deployments.xds.envoys import validate

WEB = service("web", Endpoint(host="10.0.0.1", port=80))
APP = service("app", Endpoint(host="app.test", port=80))


def test_a_port_has_one_listener_whatever_its_listeners_and_routes_are() -> None:
    """Envoy drains the connections of a listener that changes."""
    before = snapshot(listeners=[listener("a")])
    after = snapshot(
        route(to("web", timeouts={"request": "1s"}), hostnames=["a.test"]),
        listeners=[listener("b", hostname="*.test"), listener("c", hostname="a.test")],
        backends=[WEB],
    )

    assert slot_resources(before, directory="s").listeners == slot_resources(after, directory="s").listeners


def test_a_ports_resources_do_not_change_with_another_port() -> None:
    alone = slot_resources(snapshot(route(to("web")), backends=[WEB]), directory="s")
    both = snapshot(route(to("web")), listeners=[listener(), listener("more", port=8081)], backends=[WEB])
    beside = slot_resources(both, directory="s")

    assert beside.listeners[0] == alone.listeners[0]
    assert beside.routes[0] == alone.routes[0]
    assert beside.clusters == alone.clusters


def test_each_file_comes_after_what_it_names() -> None:
    wanted = snapshot(listeners=[listener(), listener("more", port=8081)], backends=[WEB])
    resources = slot_resources(wanted, directory="s")

    assert list(resources.files) == ["cds", "rds-port-8080", "rds-port-8081", "lds"]
    for port, resource in zip((8080, 8081), resources.listeners, strict=True):
        assert f"s/rds-port-{port}.json" in json.dumps(resource)
        assert resource["address"] == {"pipe": {"path": f"s/{port}.sock", "mode": 0o600}}


def test_the_most_specific_names_and_matches_come_first() -> None:
    wanted = snapshot(
        route(
            to("web", matches=[prefix("/"), exact("/a"), prefix("/b")]),
            hostnames=["*.test", "a.test"],
            parents=[{"name": "gw", "sectionName": "any"}],
        ),
        listeners=[listener("any"), listener("empty", hostname="x.test")],
        backends=[WEB],
    )
    hosts = virtual_hosts(wanted)

    assert list(hosts) == ["a.test", "x.test", "*.test"]
    assert hosts["x.test"] == []
    names = [each["name"].removeprefix("default/route/rule/0/match/") for each in hosts["a.test"]]
    assert names == ["1", "2", "0"]


def test_an_older_route_wins_a_tie() -> None:
    wanted = snapshot(
        route(to("web"), name="a-young", age=1), route(to("app"), name="b-old", age=2), backends=[WEB, APP]
    )

    assert [each["name"].split("/")[1] for each in virtual_hosts(wanted)["*"]] == ["b-old", "a-young"]


@pytest.mark.parametrize(
    ("timeouts", "expected"),
    [
        ({}, {"timeout": "0s"}),
        ({"request": "10s"}, {"timeout": "10s"}),
        ({"request": "0s"}, {"timeout": "0s", "idle_timeout": "0s"}),
        ({"request": "2h"}, {"timeout": "7200s", "idle_timeout": "7200s"}),
    ],
)
def test_a_request_has_no_time_limit_but_its_rules(timeouts: dict[str, str], expected: dict[str, str]) -> None:
    (found,) = virtual_hosts(snapshot(route(to("web", timeouts=timeouts)), backends=[WEB]))["*"]

    assert {key: value for key, value in found["route"].items() if "timeout" in key} == expected


@pytest.mark.envoy
def test_the_check_sees_a_route_to_a_cluster_that_is_not_there(tmp_path: Path) -> None:
    resources = slot_resources(snapshot(route(to("web")), backends=[WEB]), directory="s")
    broken = type(resources)(listeners=resources.listeners, routes=resources.routes, clusters=())

    assert validate(check_bootstrap(resources, directory="s"), tmp_path) == ""
    assert "unknown cluster" in validate(check_bootstrap(broken, directory="s"), tmp_path)


@pytest.mark.envoy
def test_the_bootstrap_itself_is_valid(tmp_path: Path) -> None:
    for kind in ("lds", "cds"):
        (tmp_path / f"{kind}.json").write_text('{"resources": []}')

    assert validate(slot_bootstrap(directory=str(tmp_path), node="gw1-blue"), tmp_path) == ""
