"""Where requests go, and what is answered when there is nowhere (Gateway API: HTTPRouteRule.backendRefs)."""

from __future__ import annotations

import socket
from collections import Counter

import pytest

from gateways.spec.snapshot import Endpoint, ResolvedBackend
from tests.deployments.xds.backends import echo
from tests.deployments.xds.builders import Yaml, route, service, to
from tests.deployments.xds.conftest import Serve
from tests.deployments.xds.envoys import Slot

pytestmark = pytest.mark.envoy


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def weighted(**weights: int) -> Yaml:
    return {"backendRefs": [{"name": name, "port": 80, "weight": weight} for name, weight in weights.items()]}


def outcomes(slot: Slot, requests: int) -> Counter[str | int]:
    return Counter(slot.ask().outcome for _ in range(requests))


def test_requests_are_shared_by_weight_and_weight_zero_gets_none(serve: Serve) -> None:
    counted = outcomes(serve(route(weighted(v1=70, v2=30, v3=0))), 500)

    # Five standard deviations of a fair draw are 51 requests.
    assert abs(counted["v1"] - 350) < 51
    assert abs(counted["v2"] - 150) < 51
    assert sum(counted.values()) == counted["v1"] + counted["v2"]


def test_a_single_backend_gets_all_whatever_its_weight(serve: Serve) -> None:
    assert outcomes(serve(route(weighted(v1=3))), 10) == {"v1": 10}


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(weighted(v1=0, v2=0), id="every weight is zero"),
        pytest.param(weighted(missing=1), id="the only backend does not exist"),
        pytest.param(weighted(missing=1, absent=1), id="no backend exists"),
        pytest.param(weighted(missing=1, v1=0), id="the backend that exists has weight zero"),
        pytest.param({}, id="there are no backends"),
    ],
)
def test_a_rule_that_can_send_nowhere_answers_500(serve: Serve, rule: Yaml) -> None:
    assert serve(route(rule)).ask().outcome == 500


def test_the_share_of_a_backend_that_does_not_exist_answers_500(serve: Serve) -> None:
    counted = outcomes(serve(route(weighted(v1=1, missing=1))), 400)

    assert abs(counted["v1"] - 200) < 50
    assert abs(counted[500] - 200) < 50
    assert counted["v1"] + counted[500] == 400


def test_a_port_that_the_service_is_not_resolved_for_is_another_backend(serve: Serve) -> None:
    rule = {"backendRefs": [{"name": "v1", "port": 81}]}

    assert serve(route(rule)).ask().outcome == 500


def test_a_service_without_endpoints_answers_503(serve: Serve) -> None:
    assert serve(route(to("empty")), more=[service("empty")]).ask().outcome == 503


def test_a_backend_that_refuses_connections_answers_503(serve: Serve) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = service("dead", Endpoint(host="127.0.0.1", port=unused.getsockname()[1]))

        assert serve(route(to("dead")), more=[dead]).ask().outcome == 503


@pytest.mark.parametrize("host", ["localhost", "app.localhost"])
def test_localhost_needs_no_dns(serve: Serve, backends: list[ResolvedBackend], host: str) -> None:
    (endpoint,) = backends[0].endpoints
    named = service("named", Endpoint(host=host, port=endpoint.port))

    assert serve(route(to("named")), more=[named]).ask().outcome == "v1"


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6 loopback address")
def test_localhost_may_be_ipv6_alone(serve: Serve) -> None:
    with echo("six", host="::1") as endpoint:
        named = service("named", Endpoint(host="localhost", port=endpoint.port))

        assert outcomes(serve(route(to("named")), more=[named]), 5) == {"six": 5}


def test_a_changed_backend_is_another_cluster_and_takes_over(serve: Serve, backends: list[ResolvedBackend]) -> None:
    one, two, _three = (backend.endpoints for backend in backends)

    assert serve(route(to("app")), more=[service("app", *one)]).ask().outcome == "v1"
    assert serve(route(to("app")), more=[service("app", *two)]).ask().outcome == "v2"
