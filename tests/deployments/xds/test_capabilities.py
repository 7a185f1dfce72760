"""What this runtime cannot do is refused by name; what cannot be reached is warned of."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.drivers.base import ConfigRejectedError
from deployments.drivers.process.xds.backend_limits import backend_refusals
from deployments.drivers.process.xds.capabilities import refusals
from deployments.drivers.process.xds.slot import slot_resources
from gateways.spec.base import Problem
from gateways.spec.objects import Backend, Service
from gateways.spec.snapshot import AttachedRoute, Endpoint
from tests.deployments.xds.builders import Yaml, listener, prefix, regex, route, service, snapshot, to


def said(problem: Problem) -> str:
    return f"{problem.field}: {problem.message}"


def only(problems: tuple[Problem, ...]) -> Problem:
    (problem,) = problems
    return problem


def on_request(**actions: Any) -> Yaml:
    return {"type": "RequestHeaderModifier", "requestHeaderModifier": actions}


def rewrite_path(**path: str) -> Yaml:
    return {"type": "URLRewrite", "urlRewrite": {"path": path}}


MIRROR: Yaml = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "v2", "port": 80}}}
HOST: Yaml = {"name": "Host", "value": "a.test"}
REPEATED: Yaml = {"name": "a", "value": "1"}


def test_what_is_supported_is_not_refused() -> None:
    rule = to("v1", matches=[prefix("/a")], filters=[on_request(set=[REPEATED])], timeouts={"request": "10s"})
    allowed = {"namespaces": {"from": "All"}, "kinds": [{"kind": "HTTPRoute"}]}

    wanted = snapshot(
        route(rule, hostnames=["a.test"]),
        listeners=[listener(hostname="*.test", allowedRoutes=allowed), listener("other", hostname="b.test")],
        gateway_spec={"defaultScope": "None"},
        backends=[service("v1", Endpoint(host="a.test", port=80))],
    )

    assert refusals(wanted) == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("addresses", [{"value": "10.0.0.1"}]),
        ("infrastructure", {"labels": {"a": "b"}}),
        ("backendTLS", {"clientCertificateRef": {"name": "c"}}),
        ("tls", {"frontend": {}}),
        ("allowedListeners", {"namespaces": {"from": "All"}}),
        ("defaultScope", "All"),
    ],
)
def test_a_gateways_further_fields_are_refused(field: str, value: object) -> None:
    problem = only(refusals(snapshot(gateway_spec={field: value})))

    assert said(problem) == f"spec.{field}: the process runtime cannot do {field}"
    assert problem.hint == "needs the docker or kubernetes runtime"
    assert str(problem.ref) == "Gateway gw"


@pytest.mark.parametrize("protocol", ["HTTPS", "TLS", "TCP", "UDP", "example.com/own"])
def test_protocols_other_than_http_are_refused(protocol: str) -> None:
    problem = only(refusals(snapshot(listeners=[listener(protocol=protocol)])))

    assert said(problem) == f"spec.listeners[0].protocol: the process runtime cannot do protocol {protocol}"
    assert "use protocol HTTP" in problem.hint


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"tls": {"mode": "Terminate"}}, "spec.listeners[0].tls: the process runtime cannot do tls"),
        (
            {"allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"a": "b"}}}}},
            "spec.listeners[0].allowedRoutes.namespaces: the process runtime cannot do allowedRoutes by selector",
        ),
        (
            {"allowedRoutes": {"kinds": [{"kind": "HTTPRoute"}, {"kind": "GRPCRoute"}]}},
            "spec.listeners[0].allowedRoutes.kinds[1]: the process runtime cannot do routes of kind GRPCRoute",
        ),
    ],
)
def test_a_listeners_further_fields_are_refused(fields: Yaml, expected: str) -> None:
    assert said(only(refusals(snapshot(listeners=[listener(**fields)])))).startswith(expected)


@pytest.mark.parametrize("hostname", [None, "a.test"])
def test_listeners_with_one_port_and_hostname_conflict(hostname: str | None) -> None:
    listeners = [listener("a", hostname=hostname), listener("b", hostname=hostname), listener("c", port=81)]

    problem = only(refusals(snapshot(listeners=listeners)))

    assert problem.message == "listener b has the port and hostname of listener a"
    assert problem.severity == "error"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (to("v1", retry={"attempts": 2}), "spec.rules[0].retry: the process runtime cannot do retry"),
        (to("v1", sessionPersistence={"sessionName": "s"}), "spec.rules[0].sessionPersistence: "),
        (to("v1", timeouts={"backendRequest": "1s"}), "spec.rules[0].timeouts.backendRequest: "),
        (
            to("v1", filters=[MIRROR]),
            "spec.rules[0].filters[0].type: the process runtime cannot do filter RequestMirror",
        ),
        (
            to("v1", filters=[on_request(remove=["a"]), {"type": "ExtensionRef", "extensionRef": {"name": "x"}}]),
            "spec.rules[0].filters[1].type: the process runtime cannot do filter ExtensionRef",
        ),
        (to("v1", filters=[{"type": "CORS", "cors": {}}]), "spec.rules[0].filters[0].type: "),
        (to("v1", filters=[{"type": "ExternalAuth", "externalAuth": {}}]), "spec.rules[0].filters[0].type: "),
        (to("v1", matches=[{"method": "CONNECT"}]), "spec.rules[0].matches[0].method: "),
        (to("v1", matches=[regex("")]), "spec.rules[0].matches[0].path.value: "),
        (
            to("v1", filters=[on_request(set=[HOST])]),
            "spec.rules[0].filters[0].requestHeaderModifier.set[0].name: the process runtime cannot do",
        ),
        (
            to("v1", filters=[on_request(set=[REPEATED], remove=["A"])]),
            "spec.rules[0].filters[0].requestHeaderModifier.remove[0]: header A is modified twice",
        ),
        (
            to("v1", filters=[rewrite_path(type="ReplaceFullPath", replaceFullPath="/a b")]),
            "spec.rules[0].filters[0].urlRewrite.path.replaceFullPath: '/a b' has characters",
        ),
        (
            to("v1", filters=[rewrite_path(type="ReplacePrefixMatch", replacePrefixMatch="/a?b=c")]),
            "spec.rules[0].filters[0].urlRewrite.path.replacePrefixMatch: '/a?b=c' has characters",
        ),
    ],
)
def test_what_a_rule_may_not_have_is_refused(rule: Yaml, expected: str) -> None:
    assert said(only(refusals(snapshot(route(rule))))).startswith(expected)


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        (
            {"kind": "ServiceImport", "group": "multicluster.x-k8s.io"},
            "kind: the process runtime cannot do backend kind",
        ),
        ({"kind": "Backend"}, "kind: the process runtime cannot do backend kind Backend (core)"),
        ({"namespace": "other"}, "namespace: the process runtime cannot do a backend in another namespace"),
        ({"filters": [MIRROR]}, "filters[0].type: the process runtime cannot do filter RequestMirror of a backendRef"),
        (
            {"filters": [{"type": "URLRewrite", "urlRewrite": {"hostname": "a.test"}}]},
            "filters[0].type: the process runtime cannot do filter URLRewrite of a backendRef",
        ),
        ({"filters": [on_request(remove=["a"]), on_request(remove=["b"])]}, "filters[1]: a second filter"),
    ],
)
def test_what_a_backend_ref_may_not_have_is_refused(backend: Yaml, expected: str) -> None:
    rule = {"backendRefs": [{"name": "v1", "port": 80, **backend}]}

    assert said(only(refusals(snapshot(route(rule))))).startswith(f"spec.rules[0].backendRefs[0].{expected}")


def test_parents_that_are_no_gateways_are_refused() -> None:
    parents = [{"name": "gw"}, {"name": "web", "kind": "Service", "group": ""}]

    problem = only(refusals(snapshot(route(to("v1"), parents=parents))))

    assert said(problem) == "spec.parentRefs[1]: the process runtime cannot do parent kind Service"


def test_default_gateways_are_refused() -> None:
    attached = route(to("v1"))
    body = attached.route.spec.model_copy(update={"use_default_gateways": "All"})
    asking = AttachedRoute(route=attached.route.model_copy(update={"spec": body}), created_at=attached.created_at)

    assert only(refusals(snapshot(asking))).field == "spec.useDefaultGateways"


def test_sockets_and_names_in_one_backend_are_refused() -> None:
    mixed = service("mixed", Endpoint(unix="/run/a.sock"), Endpoint(host="a.test", port=80))

    assert "Unix sockets and DNS names" in only(refusals(snapshot(backends=[mixed]))).message


@pytest.mark.parametrize(
    ("fields", "field", "severity"),
    [
        ({"type": "DynamicResolver"}, "spec.type", "error"),
        ({"tls": {"wellKnownCACertificates": "System"}}, "spec.tls", "error"),
        ({"fallback": True}, "spec.fallback", "error"),
        ({"appProtocols": ["gateway.envoyproxy.io/ws", "gateway.envoyproxy.io/h2c"]}, "spec.appProtocols[1]", "error"),
        ({"endpoints": [{"unix": {"path": "/s"}, "zone": "z"}]}, "spec.endpoints[0].zone", "warning"),
        ({"endpoints": [{"unix": {"path": "/s"}, "hostname": "h"}]}, "spec.endpoints[0].hostname", "warning"),
    ],
)
def test_a_backends_own_fields_are_refused(fields: Yaml, field: str, severity: str) -> None:
    spec = {"endpoints": [{"ip": {"address": "10.0.0.1", "port": 80}}], **fields}
    problem = only(tuple(backend_refusals(Backend.model_validate({"metadata": {"name": "b"}, "spec": spec}))))

    assert (problem.field, problem.severity, str(problem.ref)) == (field, severity, "Backend b")


def test_a_services_protocol_is_refused_unless_it_is_http() -> None:
    ports = [{"port": 80, "appProtocol": "http"}, {"port": 81, "appProtocol": "kubernetes.io/h2c"}, {"port": 82}]
    found = Service.model_validate({"metadata": {"name": "s"}, "spec": {"ports": ports}})

    assert only(tuple(backend_refusals(found))).field == "spec.ports[1].appProtocol"


@pytest.mark.parametrize(
    ("attached", "field", "message"),
    [
        (
            route(to("v1"), hostnames=["other.test", "b.other.test"]),
            "spec.hostnames",
            "no hostname of this route is one of the listeners' (*.example.test, a.example.test)",
        ),
        (
            route(to("v1"), hostnames=["b.example.test", "other.test"]),
            "spec.hostnames[1]",
            "hostname other.test is not one of the listeners' (*.example.test, a.example.test)",
        ),
        (
            route(to("v1"), parents=[{"name": "gw", "sectionName": "nowhere"}]),
            "spec.parentRefs[0]",
            "Gateway gw has no such listener",
        ),
        (
            route(to("v1"), parents=[{"name": "gw", "port": 1}]),
            "spec.parentRefs[0]",
            "Gateway gw has no such listener",
        ),
        (
            route({"filters": []}, namespace="other"),
            "spec.parentRefs[0]",
            "listener wild, exact of Gateway gw does not allow this route",
        ),
        (
            route(to("v1"), hostnames=["a.example.test"], parents=[{"name": "gw", "sectionName": "wild"}]),
            "spec.parentRefs",
            "requests for a.example.test belong to a more specific listener, which this route is not attached to",
        ),
    ],
)
def test_what_no_request_can_reach_is_warned_of(attached: AttachedRoute, field: str, message: str) -> None:
    listeners = [listener("wild", hostname="*.example.test"), listener("exact", hostname="a.example.test")]
    problem = only(refusals(snapshot(attached, listeners=listeners)))

    assert (problem.field, problem.message, problem.severity) == (field, message, "warning")


def test_what_is_refused_is_never_translated() -> None:
    with pytest.raises(ConfigRejectedError, match="protocol TCP") as raised:
        slot_resources(snapshot(listeners=[listener(protocol="TCP")]), directory="s")

    assert len(raised.value.problems) == 1


def test_warnings_do_not_stop_a_snapshot() -> None:
    wanted = snapshot(route(to("v1"), parents=[{"name": "gw", "sectionName": "nowhere"}]))

    assert slot_resources(wanted, directory="s").listeners
