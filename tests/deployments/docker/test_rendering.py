"""A snapshot as the objects that Envoy Gateway reads."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from deployments.drivers.docker import addresses, layout, rendering
from deployments.drivers.docker.limits import refusals
from deployments.drivers.docker.names import Names, Role
from deployments.drivers.docker.rendering import Options
from gateways.selectors import endpoints
from gateways.spec.objects import Backend, Gateway, HTTPRoute, Service
from gateways.spec.snapshot import AttachedRoute, GatewaySnapshot, ResolvedBackend

OPTIONS = Options(host="10.213.0.1")
Json = dict[str, Any]


def snapshot(
    *, port: int = 8080, rules: list[Json] | None = None, backend: Json | None = None, listener: Json | None = None
) -> GatewaySnapshot:
    listeners = [{"name": "http", "port": port, "protocol": "HTTP", **(listener or {})}]
    gateway = {"metadata": {"name": "web"}, "spec": {"gatewayClassName": "eg", "listeners": listeners}}
    refs = [{"group": "gateway.envoyproxy.io", "kind": "Backend", "name": "web"}]
    route = {
        "metadata": {"name": "web"},
        "spec": {"parentRefs": [{"name": "web"}], "rules": rules or [{"backendRefs": refs}]},
    }
    endpoint = backend or {"ip": {"address": "127.0.0.1", "port": 9000}}
    written = Backend.model_validate({"metadata": {"name": "web"}, "spec": {"endpoints": [endpoint]}})
    return GatewaySnapshot(
        key="gw1",
        generation=7,
        gateway=Gateway.model_validate(gateway),
        routes=(
            AttachedRoute.model_validate(
                {"route": HTTPRoute.model_validate(route), "created_at": "2026-01-02T03:04:05Z"}
            ),
        ),
        backends=(ResolvedBackend(ref=written.ref, written=written, endpoints=endpoints(written, None)),),
    )


def rendered(found: GatewaySnapshot) -> dict[tuple[str, str], Json]:
    objects = rendering.objects(found, revision=3, options=OPTIONS)
    return {(one["kind"], one["metadata"]["name"]): one for one in objects}


def test_the_users_objects_come_with_four_of_egx_and_a_class_of_the_users_name() -> None:
    found = rendered(snapshot())
    assert set(found) == {
        ("GatewayClass", "eg"), ("EnvoyProxy", "egx"), ("Gateway", "web"), ("ClientTrafficPolicy", "egx"),
        ("HTTPRoute", "egx-marker"), ("HTTPRoute", "web"), ("Backend", "web"),
    }  # fmt: skip
    assert found["HTTPRoute", "web"]["metadata"]["creationTimestamp"] == "2026-01-02T03:04:05Z"


def test_the_marker_names_revision_and_generation_and_is_read_back() -> None:
    redirect = rendered(snapshot())["HTTPRoute", "egx-marker"]["spec"]["rules"][0]["filters"][0]["requestRedirect"]
    assert rendering.held(f"http://{redirect['hostname']}:19098/") == (3, 7)
    assert rendering.held("http://elsewhere.example/") is None
    objects = rendering.objects(snapshot(), revision=3, options=OPTIONS)
    again = rendering.marked(objects, revision=4, generation=9)
    assert rendering.without_marker(again) == rendering.without_marker(objects)
    assert again != objects


@pytest.mark.parametrize("backend", [
    {"ip": {"address": "127.0.0.1", "port": 9000}}, {"fqdn": {"hostname": "localhost", "port": 9000}},
])  # fmt: skip
def test_this_machine_is_this_machine_from_inside_too(backend: Json) -> None:
    found = snapshot(backend=backend)
    assert rendered(found)["Backend", "web"]["spec"]["endpoints"] == [{"ip": {"address": "10.213.0.1", "port": 9000}}]
    assert [problem.severity for problem in refusals(found)] == ["warning"]
    desktop = Options(host="host.docker.internal")
    objects = rendering.objects(found, revision=1, options=desktop)
    assert objects[-1]["spec"]["endpoints"] == [{"fqdn": {"hostname": "host.docker.internal", "port": 9000}}]


def test_any_other_address_is_left_as_it_is() -> None:
    endpoint = {"fqdn": {"hostname": "shop.internal", "port": 80}}
    assert rendered(snapshot(backend=endpoint))["Backend", "web"]["spec"]["endpoints"] == [endpoint]


def test_a_service_is_a_backend_of_its_address() -> None:
    written = Service.model_validate(
        {"metadata": {"name": "shop", "annotations": {"egx.dev/address": "shop.internal"}}, "spec": {}}
    )
    rules = [{"backendRefs": [{"name": "shop", "port": 80, "weight": 3}]}]
    found = snapshot(rules=rules).model_copy(
        update={
            "backends": (ResolvedBackend(ref=written.ref, port=80, written=written, endpoints=endpoints(written, 80)),)
        }
    )
    objects = rendered(found)
    (ref,) = objects["HTTPRoute", "web"]["spec"]["rules"][0]["backendRefs"]
    assert ref == {"group": "gateway.envoyproxy.io", "kind": "Backend", "name": "service-shop-80", "weight": 3}
    assert objects["Backend", "service-shop-80"]["spec"]["endpoints"] == [
        {"fqdn": {"hostname": "shop.internal", "port": 80}}
    ]


def test_a_port_of_the_engine_itself_lies_elsewhere_inside_and_redirects_know_it() -> None:
    redirect = {"type": "RequestRedirect", "requestRedirect": {"hostname": "a.example"}}
    objects = rendered(snapshot(port=8081, rules=[{"filters": [redirect]}]))
    assert objects["Gateway", "web"]["spec"]["listeners"][0]["port"] == 28081
    assert objects["HTTPRoute", "web"]["spec"]["rules"][0]["filters"][0]["requestRedirect"]["port"] == 8081
    assert [layout.inner_port(port) for port in (80, 8080, 8081, 19000)] == [80, 8080, 28081, 39000]


@pytest.mark.parametrize(("listener", "says"), [
    ({"protocol": "HTTPS"}, "protocol HTTPS"), ({"name": "egx-marker"}, "a listener named egx-marker"),
])  # fmt: skip
def test_what_the_runtime_cannot_do_is_refused_by_name(listener: Json, says: str) -> None:
    (problem, *_warnings) = refusals(snapshot(listener=listener))
    assert says in problem.message
    assert problem.hint


def test_what_the_engine_is_told_is_yaml_of_one_file() -> None:
    objects = rendering.objects(snapshot(), revision=3, options=OPTIONS)
    assert list(yaml.safe_load_all(rendering.file(objects))) == objects
    config = yaml.safe_load(rendering.engine_config(key="gw1", revision=3, envoy_digest="sha256:ab", log_level="info"))
    (path,) = config["provider"]["custom"]["resource"]["file"]["paths"]
    assert path == layout.inside(layout.config("gw1", 3))


def test_addresses_and_names_are_of_one_gateway_alone() -> None:
    subnet = addresses.free_subnet(["10.213.0.0/16", "172.17.0.0/16", "fd00::/64"])
    assert subnet == "10.214.0.0/16"
    assert addresses.free_subnet([], after=2) == "10.215.0.0/16"
    assert addresses.dynamic_range(subnet) == "10.214.128.0/17"
    assert addresses.free_block({1, 2, 4}, subnet) == 3
    assert addresses.free_address(3, {"10.214.0.24"}, subnet) == "10.214.0.25"
    names = Names("abc123")
    assert names.slot("gw1", "shop/Web_1", "blue", 4) == "egx-abc123-gw1-shop-web-1-blue-4"
    labels = names.labels(Role.EDGE, gateway="gw1", port=80)
    assert names.mine(labels)
    assert not Names("other0").mine(labels)
    assert not names.mine(None)
