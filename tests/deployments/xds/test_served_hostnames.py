"""Listeners, hostnames and attachment, as a real Envoy serves them."""

from __future__ import annotations

import pytest

from gateways.spec.snapshot import AttachedRoute
from tests.deployments.xds.builders import Yaml, listener, prefix, route, to
from tests.deployments.xds.conftest import Serve

pytestmark = pytest.mark.envoy


def parent(section: str | None = None, **fields: object) -> Yaml:
    return {"name": "gw", **({"sectionName": section} if section else {}), **fields}


def catch_all(backend: str, section: str) -> AttachedRoute:
    return route(to(backend), name=f"on-{section}", parents=[parent(section)])


def test_a_host_header_may_have_a_port_and_any_case(serve: Serve) -> None:
    slot = serve(route(to("v1"), hostnames=["very.specific.test"]))

    assert slot.ask(host="very.specific.test").outcome == "v1"
    assert slot.ask(host="very.specific.test:1234").outcome == "v1"
    assert slot.ask(host="Very.Specific.Test").outcome == "v1"
    assert slot.ask(host="other.test").outcome == 404


def test_the_host_header_reaches_the_backend_as_it_came(serve: Serve) -> None:
    slot = serve(route(to("v1")))

    assert slot.ask(host="Some.Host.test:8080").received("host") == ["Some.Host.test:8080"]


def test_a_route_serves_only_the_hostnames_it_shares_with_the_listener(serve: Serve) -> None:
    hostnames = ["very.specific.test", "a.wildcard.test", "*.deep.wildcard.test", "wildcard.test"]
    slot = serve(route(to("v1"), hostnames=hostnames), listeners=[listener("wild", hostname="*.wildcard.test")])

    assert slot.ask(host="a.wildcard.test").outcome == "v1"
    assert slot.ask(host="x.y.deep.wildcard.test").outcome == "v1"
    for host in ("b.wildcard.test", "wildcard.test", "very.specific.test", "deep.wildcard.test"):
        assert slot.ask(host=host).outcome == 404, host


def test_a_wildcard_route_on_an_exact_listener_serves_that_name_alone(serve: Serve) -> None:
    slot = serve(route(to("v1"), hostnames=["*.test"]), listeners=[listener("one", hostname="very.specific.test")])

    assert slot.ask(host="very.specific.test").outcome == "v1"
    assert slot.ask(host="more.very.specific.test").outcome == 404


def test_the_most_specific_hostname_gets_the_request(serve: Serve) -> None:
    slot = serve(
        route(to("v1"), name="any"),
        route(to("v2"), name="wild", hostnames=["*.example.test"]),
        route(to("v3"), name="exact", hostnames=["a.example.test"]),
    )

    assert slot.ask(host="a.example.test").outcome == "v3"
    assert slot.ask(host="b.example.test").outcome == "v2"
    assert slot.ask(host="b.a.example.test").outcome == "v2"
    assert slot.ask(host="example.test").outcome == "v1"


def test_a_name_that_has_routes_does_not_fall_to_less_specific_ones(serve: Serve) -> None:
    slot = serve(
        route(to("v1"), name="any"),
        route(to("v2", matches=[prefix("/only")]), name="exact", hostnames=["a.example.test"]),
    )

    assert slot.ask("/only", host="a.example.test").outcome == "v2"
    assert slot.ask("/else", host="a.example.test").outcome == 404


def test_routes_of_one_hostname_are_merged(serve: Serve) -> None:
    slot = serve(
        route(to("v1", matches=[prefix("/")]), name="one", hostnames=["a.test", "b.test"]),
        route(to("v2", matches=[prefix("/v2")]), name="two", hostnames=["a.test"]),
    )

    assert slot.ask("/v2/x", host="a.test").outcome == "v2"
    assert slot.ask("/v2/x", host="b.test").outcome == "v1"


def test_listeners_of_one_port_are_isolated(serve: Serve) -> None:
    """A request belongs to the most specific listener, whatever routes the others have."""
    listeners = [
        listener("any"),
        listener("wild", hostname="*.example.test"),
        listener("narrow", hostname="*.foo.example.test"),
        listener("exact", hostname="abc.foo.example.test"),
    ]
    slot = serve(catch_all("v1", "any"), catch_all("v2", "wild"), catch_all("v3", "exact"), listeners=listeners)

    assert slot.ask(host="bar.test").outcome == "v1"
    assert slot.ask(host="example.test").outcome == "v1"
    assert slot.ask(host="bar.example.test").outcome == "v2"
    assert slot.ask(host="abc.foo.example.test").outcome == "v3"
    # The listener "narrow" has no route, and its requests are no one else's.
    assert slot.ask(host="bar.foo.example.test").outcome == 404


def test_a_routes_name_goes_to_the_listener_that_owns_it(serve: Serve) -> None:
    listeners = [listener("any"), listener("exact", hostname="a.example.test")]
    hostnames = ["a.example.test", "b.example.test"]
    named = route(to("v1"), hostnames=hostnames, parents=[parent("any")], age=60)  # age does not help it
    slot = serve(named, catch_all("v2", "exact"), listeners=listeners)

    assert slot.ask(host="a.example.test").outcome == "v2"
    assert slot.ask(host="b.example.test").outcome == "v1"


def test_section_name_and_port_choose_the_listener(serve: Serve) -> None:
    listeners = [listener("one"), listener("two", port=8081)]
    slot = serve(
        route(to("v1", matches=[prefix("/by-name")]), name="a", parents=[parent("one")]),
        route(to("v1", matches=[prefix("/by-port")]), name="b", parents=[parent(port=8081)]),
        route(to("v1", matches=[prefix("/both")]), name="c"),
        route(to("v1", matches=[prefix("/neither")]), name="d", parents=[parent("one", port=8081)]),
        listeners=listeners,
    )

    answered = {
        path: [port for port in (8080, 8081) if slot.ask(path, port=port).outcome == "v1"]
        for path in ("/by-name", "/by-port", "/both", "/neither")
    }
    assert answered == {"/by-name": [8080], "/by-port": [8081], "/both": [8080, 8081], "/neither": []}


def test_a_listener_lets_in_only_the_namespaces_it_allows(serve: Serve) -> None:
    listeners = [
        listener("same"),
        listener("all", port=8081, allowedRoutes={"namespaces": {"from": "All"}}),
        listener("none", port=8082, allowedRoutes={"namespaces": {"from": "None"}}),
    ]
    redirect = {"filters": [{"type": "RequestRedirect", "requestRedirect": {"hostname": "here.test"}}]}
    local = route({"matches": [prefix("/local")], **redirect}, name="local")
    guest = route({"matches": [prefix("/guest")], **redirect}, name="guest", namespace="other")
    slot = serve(local, guest, listeners=listeners)

    answered = {
        path: [port for port in (8080, 8081, 8082) if slot.ask(path, port=port).outcome == 302]
        for path in ("/local", "/guest")
    }
    assert answered == {"/local": [8080, 8081], "/guest": [8081]}


def test_a_route_for_another_gateway_is_not_served(serve: Serve) -> None:
    others = [{"name": "other"}, {"name": "gw", "namespace": "elsewhere"}]

    assert serve(route(to("v1"), parents=others)).ask().outcome == 404
