"""Backends as Envoy clusters."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from deployments.drivers.process.xds.resource import TYPES, Resource, digest
from gateways.spec.base import ObjectRef
from gateways.spec.snapshot import Endpoint, ResolvedBackend

LIMIT = 65535
"""Envoy's own limits of 1024 connections and requests are for a mesh; here they would lose requests."""

BackendKey = tuple[ObjectRef, int | None]


def clusters_by_backend(backends: Iterable[ResolvedBackend]) -> dict[BackendKey, Resource]:
    return {(backend.ref, backend.port): cluster(backend) for backend in backends}


def cluster(backend: ResolvedBackend) -> Resource:
    """Named after its own content: Envoy closes the connections of a cluster whose definition changes, so a
    changed backend is another cluster, and the old one lives until nothing routes to it."""
    endpoints = [_endpoint(endpoint) for endpoint in backend.endpoints]
    definition = {
        **_discovery(backend.endpoints),
        "connect_timeout": "5s",
        "lb_policy": "LEAST_REQUEST",  # as Envoy Gateway
        "circuit_breakers": {"thresholds": [_limits()]},
        "ignore_health_on_host_removal": True,
    }
    name = f"{_readable(backend)}-{digest({**definition, 'endpoints': endpoints})}"
    return {
        "@type": f"{TYPES}.config.cluster.v3.Cluster",
        "name": name,
        **definition,
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
    }


def _limits() -> Resource:
    return dict.fromkeys(("max_connections", "max_pending_requests", "max_requests", "max_retries"), LIMIT)


def _readable(backend: ResolvedBackend) -> str:
    """Without dots, which separate the parts of Envoy's statistics."""
    ref = backend.ref
    parts = [ref.kind.lower(), ref.namespace, ref.name, *([str(backend.port)] if backend.port else [])]
    return "-".join(parts).replace(".", "_")


def _discovery(endpoints: Iterable[Endpoint]) -> Resource:
    """IPv4 where a name has both: with ALL, each address of a dual-stack name would be a backend of its own,
    and a server that listens on one of them would lose half of its requests."""
    if all(is_static(endpoint) for endpoint in endpoints):
        return {"type": "STATIC"}
    return {"type": "STRICT_DNS", "dns_lookup_family": "V4_PREFERRED"}


def is_static(endpoint: Endpoint) -> bool:
    """Whether there is nothing to look up."""
    return bool(endpoint.unix) or _is_localhost(endpoint.host) or _is_ip(endpoint.host)


def _is_localhost(host: str) -> bool:
    """RFC 6761: such names are the loopback address, and need no DNS server to say so."""
    return host == "localhost" or host.endswith(".localhost")


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _endpoint(endpoint: Endpoint) -> Resource:
    if endpoint.unix:
        return {"endpoint": {"address": {"pipe": {"path": endpoint.unix}}}}
    if _is_localhost(endpoint.host):
        # Development servers listen on either; Envoy tries the second when the first refuses.
        second = {"address": _socket("::1", endpoint.port)}
        return {"endpoint": {"address": _socket("127.0.0.1", endpoint.port), "additional_addresses": [second]}}
    return {"endpoint": {"address": _socket(endpoint.host, endpoint.port)}}


def _socket(host: str, port: int) -> Resource:
    return {"socket_address": {"address": host, "port_value": port}}
