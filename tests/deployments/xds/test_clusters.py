"""Backends as clusters."""

from __future__ import annotations

import pytest

from deployments.drivers.process.xds.clusters import cluster
from deployments.drivers.process.xds.resource import Resource
from gateways.spec.objects import Backend
from gateways.spec.snapshot import Endpoint, ResolvedBackend
from tests.deployments.xds.builders import service

IP = Endpoint(host="10.0.0.1", port=80)
DNS = Endpoint(host="web.test", port=80)
UNIX = Endpoint(unix="/run/web.sock")
LOCALHOST = Endpoint(host="localhost", port=80)


def endpoints(resource: Resource) -> list[Resource]:
    (locality,) = resource["load_assignment"]["endpoints"]
    return [each["endpoint"] for each in locality["lb_endpoints"]]


@pytest.mark.parametrize(
    ("given", "discovery"),
    [
        ([], "STATIC"),
        ([IP], "STATIC"),
        ([Endpoint(host="::1", port=80)], "STATIC"),
        ([UNIX], "STATIC"),
        ([UNIX, IP], "STATIC"),
        ([LOCALHOST], "STATIC"),
        ([Endpoint(host="app.localhost", port=80)], "STATIC"),
        ([DNS], "STRICT_DNS"),
        ([DNS, IP], "STRICT_DNS"),
    ],
)
def test_only_names_are_looked_up(given: list[Endpoint], discovery: str) -> None:
    assert cluster(service("web", *given))["type"] == discovery


def test_localhost_is_tried_over_ipv4_and_then_ipv6() -> None:
    (endpoint,) = endpoints(cluster(service("web", LOCALHOST)))

    assert endpoint["address"]["socket_address"]["address"] == "127.0.0.1"
    assert endpoint["additional_addresses"][0]["address"]["socket_address"]["address"] == "::1"


def test_the_name_is_readable_and_has_no_dots() -> None:
    written = Backend.model_validate(
        {"metadata": {"name": "a.b", "namespace": "shop"}, "spec": {"endpoints": [{"unix": {"path": "/s"}}]}}
    )
    name = cluster(ResolvedBackend(ref=written.ref, port=None, written=written, endpoints=(IP,)))["name"]

    assert name.startswith("backend-shop-a_b-")
    assert "." not in name


def test_a_changed_definition_is_another_cluster() -> None:
    assert cluster(service("web", IP))["name"] == cluster(service("web", IP))["name"]
    assert cluster(service("web", IP))["name"] != cluster(service("web", IP, UNIX))["name"]
    assert cluster(service("web", IP))["name"] != cluster(service("web", DNS))["name"]
