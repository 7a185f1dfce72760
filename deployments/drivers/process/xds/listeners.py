"""A port's listener. It changes with the port alone: Envoy drains the connections of a listener that changes,
so all that routes can change comes through RDS."""

from __future__ import annotations

from deployments.drivers.envoy.edge import name
from deployments.drivers.process.layout import slot_socket
from deployments.drivers.process.xds.forwarding import STREAM_IDLE_SECONDS
from deployments.drivers.process.xds.resource import TYPES, Resource

HTTP_MANAGER = "envoy.filters.network.http_connection_manager"


def listener(port: int, *, directory: str) -> Resource:
    return {
        "@type": f"{TYPES}.config.listener.v3.Listener",
        "name": name(port),
        "address": {"pipe": {"path": slot_socket(directory, port), "mode": 0o600}},
        "listener_filters": [_proxy_protocol()],
        "filter_chains": [
            {"filters": [{"name": HTTP_MANAGER, "typed_config": _http_manager(port, directory=directory)}]}
        ],
    }


def _proxy_protocol() -> Resource:
    """The edge says who the client is (PROXY v2); probes come without."""
    return {
        "name": "envoy.filters.listener.proxy_protocol",
        "typed_config": {
            "@type": f"{TYPES}.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
            "allow_requests_without_proxy_protocol": True,
        },
    }


def _http_manager(port: int, *, directory: str) -> Resource:
    return {
        "@type": f"{TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": f"http-{port}",
        "codec_type": "AUTO",
        "rds": {"route_config_name": name(port), "config_source": file_source(directory, routes_file(name(port)))},
        "http_filters": [_router()],
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "use_remote_address": True,
        "normalize_path": True,
        "merge_slashes": False,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "server_header_transformation": "PASS_THROUGH",
        "stream_idle_timeout": f"{STREAM_IDLE_SECONDS}s",
        "request_headers_timeout": "60s",  # else a client could hold a stream by sending nothing
        "common_http_protocol_options": {"idle_timeout": "3600s"},
        "drain_timeout": "1s",
    }


def routes_file(route_configuration: str) -> str:
    """The file, without its suffix, of a route configuration: Envoy refuses an RDS file that has several."""
    return f"rds-{route_configuration}"


def _router() -> Resource:
    return {
        "name": "envoy.filters.http.router",
        "typed_config": {
            "@type": f"{TYPES}.extensions.filters.http.router.v3.Router",
            "suppress_envoy_headers": True,
        },
    }


def file_source(directory: str, kind: str) -> Resource:
    """A subscription to a file; watching its folder sees the rename that replaces it."""
    return {
        "resource_api_version": "V3",
        "path_config_source": {"path": f"{directory}/{kind}.json", "watched_directory": {"path": directory}},
    }


def with_routes_inside(listener: Resource, routes: Resource) -> Resource:
    """The same listener with its route configuration in place of the subscription."""
    (chain,) = listener["filter_chains"]
    (manager,) = chain["filters"]
    config = {key: value for key, value in manager["typed_config"].items() if key != "rds"}
    inside = {**manager, "typed_config": {**config, "route_config": routes}}
    return {**listener, "filter_chains": [{**chain, "filters": [inside]}]}
