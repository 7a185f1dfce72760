"""Where things lie in the volume, and in the containers that have it. Pure."""

from __future__ import annotations

MOUNT = "/tmp/envoy-gateway"  # noqa: S108 - the place that Envoy Gateway's own documentation mounts
"""Of the volume, in every container."""
USER = 65532
"""Who Envoy Gateway and Envoy run as in their images (distroless `nonroot`)."""

XDS_PORT = 18000
ENGINE_ADMIN_PORT = 19000
"""Envoy Gateway's own admin interface."""
ENGINE_METRICS_PORT = 19001
"""Of Envoy Gateway itself."""
ENVOY_ADMIN_PORT = 19099
MARKER_PORT = 19098
"""A listener that only EGX asks: it answers with what the slot holds."""
ENGINE_PORTS = {
    8081: "Envoy Gateway's health",
    18000: "Envoy Gateway's xDS",
    18001: "Envoy Gateway's rate limits",
    18002: "Envoy Gateway's Wasm",
    19000: "Envoy Gateway's admin interface",
    ENGINE_METRICS_PORT: "Envoy Gateway's metrics",
    19003: "Envoy's readiness",
    MARKER_PORT: "EGX's marker",
    ENVOY_ADMIN_PORT: "Envoy's admin interface",
}
"""What a slot's network namespace has already."""
MOVED_BY = 20_000


def inner_port(port: int) -> int:
    """Where a slot listens for a published port: the same, unless the engine itself listens there."""
    return port + MOVED_BY if port in ENGINE_PORTS else port


def gateway(key: str) -> str:
    return key


def conf(key: str) -> str:
    """The certificates between a gateway's controllers and their Envoys; one set for all its slots."""
    return f"{key}/conf"


def revision(key: str, number: int) -> str:
    return f"{key}/r{number}"


def config(key: str, number: int) -> str:
    """The folder that the engine watches."""
    return f"{revision(key, number)}/cfg"


PROMETHEUS = "prometheus"
"""What Prometheus is told."""
PROMETHEUS_TARGETS = f"{PROMETHEUS}/targets"


OBJECTS = "objects.yaml"
ENGINE_CONFIG = "envoy-gateway.yaml"


def edge(key: str, port: int) -> str:
    return f"{key}/edge-{port}"


def envoys(digest: str) -> str:
    """The data home of slots whose Envoy has this digest."""
    return f"envoys/{digest.removeprefix('sha256:')[:16]}"


def envoy(digest: str, version: str) -> str:
    """Where Envoy Gateway (func-e) looks before it would download."""
    return f"{envoys(digest)}/envoy-versions/{version}/bin/envoy"


def inside(path: str) -> str:
    """A path of the volume as containers see it."""
    return f"{MOUNT}/{path}"
