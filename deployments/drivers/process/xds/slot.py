"""A gateway's snapshot as all that the slot's Envoy is told. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.drivers.base import ConfigRejectedError
from deployments.drivers.process.xds.capabilities import refusals
from deployments.drivers.process.xds.clusters import clusters_by_backend
from deployments.drivers.process.xds.forwarding import INVALID_BACKEND
from deployments.drivers.process.xds.listeners import file_source, listener, routes_file, with_routes_inside
from deployments.drivers.process.xds.resource import Resource, without_type
from deployments.drivers.process.xds.routes import route_configuration
from gateways.spec.snapshot import GatewaySnapshot

RUNTIME = {"layers": [{"name": "egx", "static_layer": {"re2.max_program_size.error_level": 4294967295}}]}
"""Envoy refuses regular expressions of more than 100 instructions unless told; RE2's own limits stay."""

STATS_EVERY = "1s"
"""How soon a latency shows in the histograms."""


@dataclass(frozen=True)
class SlotResources:
    """What the slot's Envoy is to hold. There is one route configuration for each port, named as its listener."""

    listeners: tuple[Resource, ...]
    routes: tuple[Resource, ...]
    clusters: tuple[Resource, ...]

    @property
    def files(self) -> dict[str, tuple[Resource, ...]]:
        """What each watched file (`<name>.json`) has, in the order that lets nothing be named before it is there."""
        routes = {routes_file(route["name"]): (route,) for route in self.routes}
        return {"cds": self.clusters, **routes, "lds": self.listeners}


def slot_resources(snapshot: GatewaySnapshot, *, directory: str) -> SlotResources:
    """Raises ConfigRejectedError for what `refusals` calls an error: nothing is left out in silence."""
    refused = [problem for problem in refusals(snapshot) if problem.severity == "error"]
    if refused:
        raise ConfigRejectedError("; ".join(str(problem) for problem in refused), problems=refused)
    clusters = clusters_by_backend(snapshot.backends)
    by_name = {cluster["name"]: cluster for cluster in clusters.values()}
    return SlotResources(
        listeners=tuple(listener(port, directory=directory) for port in snapshot.ports),
        routes=tuple(route_configuration(snapshot, port, clusters) for port in snapshot.ports),
        clusters=tuple(by_name[name] for name in sorted(by_name)),
    )


def slot_bootstrap(*, directory: str, node: str) -> Resource:
    return {
        "node": {"id": node, "cluster": "egx-slot"},
        "admin": {"address": {"pipe": {"path": f"{directory}/admin.sock", "mode": 0o600}}},
        "layered_runtime": RUNTIME,
        "stats_flush_interval": STATS_EVERY,
        "dynamic_resources": {
            "lds_config": file_source(directory, "lds"),
            "cds_config": file_source(directory, "cds"),
        },
    }


def check_bootstrap(resources: SlotResources, *, directory: str) -> Resource:
    """Everything in one file, for `envoy --mode validate`, which does not follow subscriptions."""
    routes = {route["name"]: route for route in resources.routes}
    return {
        "node": {"id": f"{directory}-check", "cluster": "egx-slot"},
        "layered_runtime": RUNTIME,
        "static_resources": {
            "listeners": [
                without_type(with_routes_inside(each, _checked(routes[each["name"]]))) for each in resources.listeners
            ],
            "clusters": [*(without_type(cluster) for cluster in resources.clusters), _absent()],
        },
    }


def _checked(routes: Resource) -> Resource:
    """Every cluster that a route names must be there."""
    return {**without_type(routes), "validate_clusters": True}


def _absent() -> Resource:
    """Stands in for the cluster that is missing on purpose."""
    return {"name": INVALID_BACKEND, "type": "STATIC", "connect_timeout": "1s"}
