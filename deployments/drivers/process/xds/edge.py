"""The edge: an L4 Envoy that owns the published ports and points each at a slot. Its file EDS is the switch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Resource = dict[str, Any]

TYPE = "type.googleapis.com/envoy"
CONNECT_TRIES = 60
"""With the pauses between: a dead slot is back within a second, and new connections wait for it instead of failing."""
LARGEST = 1_000_000
"""Envoy's default circuit breakers (1024) are for backends; the edge passes on what comes."""


def bootstrap(*, directory: str, node: str) -> Resource:
    def source(name: str) -> Resource:
        return {"path_config_source": {"path": f"{directory}/{name}.json", "watched_directory": {"path": directory}}}

    return {
        "node": {"id": node, "cluster": "egx-edge"},
        "admin": {"address": {"pipe": {"path": f"{directory}/admin.sock", "mode": 0o600}}},
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
        "address": {"socket_address": {"address": bind, "port_value": port}},
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


def endpoints(port: int, *, serving: str | None, leaving: str | None) -> Resource:
    """Which slot the port points at. `leaving` keeps its open connections and gets no new ones."""
    health = [(serving, "HEALTHY"), (leaving, "DRAINING")]
    return {
        "@type": f"{TYPE}.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": name(port),
        "endpoints": [{"lb_endpoints": [_endpoint(slot, port, status) for slot, status in health if slot and serving]}],
    }


def _endpoint(slot: str, port: int, status: str) -> Resource:
    return {"health_status": status, "endpoint": {"address": {"pipe": {"path": socket(slot, port)}}}}


def name(port: int) -> str:
    return f"port-{port}"


def endpoints_file(port: int) -> str:
    """The file, without its suffix, of a port's endpoints: Envoy refuses an EDS file that has several."""
    return f"eds-{name(port)}"


def socket(slot: str, port: int) -> str:
    """Where the slot listens for the edge, relative to the gateway's folder."""
    return f"{slot}/{port}.sock"
