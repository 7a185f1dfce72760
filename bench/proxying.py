"""A plain Envoy in front of one back end, as people configure it by hand."""

from __future__ import annotations

from typing import Any

FILTERS = "type.googleapis.com/envoy.extensions.filters"


def config(listen: tuple[str, int], to: tuple[str, int], *, dns_refresh: str = "") -> dict[str, Any]:
    """`listen` and `to` are (host, port). With `dns_refresh`, `to` is a name that is asked for all its addresses."""
    cluster: dict[str, Any] = {
        "name": "web",
        "load_assignment": {
            "cluster_name": "web",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(*to)}}]}],
        },
    }
    if dns_refresh:
        cluster |= {"type": "STRICT_DNS", "dns_refresh_rate": dns_refresh}
    chain = {"filters": [{"name": "http", "typed_config": _manager()}]}
    return {
        "static_resources": {
            "listeners": [{"name": "http", "address": _address(*listen), "filter_chains": [chain]}],
            "clusters": [cluster],
        }
    }


def _manager() -> dict[str, Any]:
    router = {"@type": f"{FILTERS}.http.router.v3.Router"}
    everything = {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "web"}}]}
    return {
        "@type": f"{FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
        "route_config": {"virtual_hosts": [everything]},
    }


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}
