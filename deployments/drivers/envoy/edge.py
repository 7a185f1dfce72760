"""The edge: an L4 Envoy that owns published ports and points each at a slot. Its file EDS is the switch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Resource = dict[str, Any]

TYPE = "type.googleapis.com/envoy"
CONNECT_TRIES = 60
"""With the pauses between: a dead slot is back within a second, and new connections wait for it instead of failing."""
LARGEST = 1_000_000
"""Envoy's default circuit breakers (1024) are for backends; the edge passes on what comes."""


def bootstrap(*, directory: str, node: str, admin: Resource) -> Resource:
    """`admin` is the address of its admin interface."""

    def source(name: str) -> Resource:
        return {"path_config_source": {"path": f"{directory}/{name}.json", "watched_directory": {"path": directory}}}

    return {
        "node": {"id": node, "cluster": "egx-edge"},
        "admin": {"address": admin},
        "dynamic_resources": {"lds_config": source("lds"), "cds_config": source("cds")},
    }


def listeners(ports: Sequence[int], *, bind: str) -> list[Resource]:
    """One listener a port, so that a change of one never touches another."""
    return [_listener(port, bind) for port in ports]


def _listener(port: int, bind: str) -> Resource:
    proxy = {
        "@type": f"{TYPE}.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": name(port),
        "cluster": name(port),
        "idle_timeout": "0s",  # the slot, which knows the protocol, decides what is idle
        "max_connect_attempts": CONNECT_TRIES,
        "backoff_options": {"base_interval": "0.025s", "max_interval": "0.1s"},
    }
    return {
        "@type": f"{TYPE}.config.listener.v3.Listener",
        "name": name(port),
        "address": tcp(bind, port),
        "filter_chains": [{"filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]}],
    }


def clusters(ports: Sequence[int], *, directory: str) -> list[Resource]:
    return [_cluster(port, directory) for port in ports]


def _cluster(port: int, directory: str) -> Resource:
    limits = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests", "max_retries"), LARGEST)
    eds = {"path": f"{directory}/{endpoints_file(port)}.json", "watched_directory": {"path": directory}}
    return {
        "@type": f"{TYPE}.config.cluster.v3.Cluster",
        "name": name(port),
        "type": "EDS",
        "eds_cluster_config": {"eds_config": {"path_config_source": eds}},
        "connect_timeout": "1s",
        # A switch back changes healths alone, which Envoy would hand to its workers up to a second later.
        "common_lb_config": {"update_merge_window": "0s"},
        "circuit_breakers": {"thresholds": [limits]},
        # The client's address survives the edge.
        "transport_socket": {
            "name": "envoy.transport_sockets.upstream_proxy_protocol",
            "typed_config": {
                "@type": f"{TYPE}.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
                "config": {"version": "V2"},
                "transport_socket": {
                    "name": "envoy.transport_sockets.raw_buffer",
                    "typed_config": {"@type": f"{TYPE}.extensions.transport_sockets.raw_buffer.v3.RawBuffer"},
                },
            },
        },
    }


def endpoints(port: int, *, serving: Sequence[Resource], leaving: Sequence[Resource]) -> Resource:
    """Which addresses the port points at. `leaving` keep their open connections and get no new ones."""
    health = [*((address, "HEALTHY") for address in serving), *((address, "DRAINING") for address in leaving)]
    # Envoy balances over those that drain where there is nobody else.
    found = [_endpoint(address, status) for address, status in health] if serving else []
    return {
        "@type": f"{TYPE}.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": name(port),
        "endpoints": [{"lb_endpoints": found}],
    }


def pipe(path: str) -> Resource:
    return {"pipe": {"path": path}}


def tcp(host: str, port: int) -> Resource:
    return {"socket_address": {"address": host, "port_value": port}}


def _endpoint(address: Resource, status: str) -> Resource:
    return {"health_status": status, "endpoint": {"address": address}}


def name(port: int) -> str:
    return f"port-{port}"


def endpoints_file(port: int) -> str:
    """The file, without its suffix, of a port's endpoints: Envoy refuses an EDS file that has several."""
    return f"eds-{name(port)}"
