"""Snapshots, in as few words as a test needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from deployments.drivers.process.xds.resource import Resource
from deployments.drivers.process.xds.slot import slot_resources
from gateways.spec.base import ObjectRef
from gateways.spec.objects import Gateway, HTTPRoute, Service
from gateways.spec.snapshot import AttachedRoute, Endpoint, GatewaySnapshot, ResolvedBackend

Yaml = dict[str, Any]

PORT = 8080
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
HTTP: Yaml = {"name": "http", "port": PORT, "protocol": "HTTP"}


def listener(name: str = "http", *, hostname: str | None = None, port: int = PORT, **fields: Any) -> Yaml:
    given = {"hostname": hostname} if hostname else {}
    return {"name": name, "port": port, "protocol": "HTTP", **given, **fields}


def gateway(*listeners: Yaml, **spec: Any) -> Gateway:
    body = {"gatewayClassName": "egx", "listeners": list(listeners) or [HTTP], **spec}
    return Gateway.model_validate({"metadata": {"name": "gw"}, "spec": body})


def route(
    *rules: Yaml,
    name: str = "route",
    namespace: str = "default",
    hostnames: Sequence[str] = (),
    parents: Sequence[Yaml] = ({"name": "gw", "namespace": "default"},),
    age: int = 0,
) -> AttachedRoute:
    """`age` is in seconds: the older route wins a tie."""
    spec: Yaml = {"parentRefs": list(parents), "hostnames": list(hostnames)}
    if rules:
        spec["rules"] = list(rules)
    written = {"metadata": {"name": name, "namespace": namespace}, "spec": spec}
    return AttachedRoute(route=HTTPRoute.model_validate(written), created_at=EPOCH - timedelta(seconds=age))


def to(*names: str, **fields: Any) -> Yaml:
    """A rule that sends to these Services."""
    return {"backendRefs": [{"name": name, "port": 80} for name in names], **fields}


def prefix(value: str) -> Yaml:
    return {"path": {"type": "PathPrefix", "value": value}}


def exact(value: str) -> Yaml:
    return {"path": {"type": "Exact", "value": value}}


def regex(value: str) -> Yaml:
    return {"path": {"type": "RegularExpression", "value": value}}


def service(name: str, *endpoints: Endpoint, port: int | None = 80) -> ResolvedBackend:
    ref = ObjectRef(kind="Service", namespace="default", name=name)
    written = Service.model_validate({"metadata": {"name": name}})
    return ResolvedBackend(ref=ref, port=port, written=written, endpoints=endpoints)


def snapshot(
    *routes: AttachedRoute,
    listeners: Sequence[Yaml] = (HTTP,),
    backends: Sequence[ResolvedBackend] = (),
    gateway_spec: Mapping[str, Any] | None = None,
) -> GatewaySnapshot:
    return GatewaySnapshot(
        key="gw1",
        generation=1,
        gateway=gateway(*listeners, **(gateway_spec or {})),
        routes=routes,
        backends=tuple(backends),
    )


def virtual_hosts(wanted: GatewaySnapshot, *, port: int = PORT) -> dict[str, list[Resource]]:
    """The routes of each name, as the port's route configuration has them."""
    (config,) = (routes for routes in slot_resources(wanted, directory="s").routes if routes["name"] == f"port-{port}")
    return {host["domains"][0]: host["routes"] for host in config["virtual_hosts"]}
