"""What an exposed container is in Gateway API: its route, its backend, and a gateway where it gets one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from gateways.spec import objects
from gateways.spec.base import ObjectRef
from gateways.spec.containers import CONTAINER_ANNOTATION, alias_of, short

GATEWAY_CLASS = "egx"
BY_LABELS = "egx.dev/by-labels"
"""On a route: a container's labels asked for it, and EGX took it over by itself."""


@dataclass(frozen=True)
class Wish:
    """Where a container is to be reached."""

    container: str
    path: str = ""
    """Empty, and no host either: what the container's labels ask for, or else all paths."""
    host: str = ""
    port: int = 0
    """0: what is probably HTTP."""
    gateway: str = ""
    """Empty: the only one on the target."""
    listen: int = 0
    """The port of a gateway that is to be made for it."""
    keep_path: bool = False
    """The container sees the path as clients do; else without the prefix."""
    target: str = ""
    by_labels: bool = False


def plain(path: str) -> str:
    """`/shop/` and `/shop` match the same."""
    return path.rstrip("/") or "/"


def route_name(wish: Wish, identity: str, gateway: ObjectRef) -> str:
    """The same place of the same container has the same route."""
    facts = "\0".join([identity, gateway.namespace, gateway.name, wish.host, plain(wish.path)])
    return f"container-{short(identity, 40)}-{hashlib.sha256(facts.encode()).hexdigest()[:8]}"


def _backend_name(identity: str, port: int) -> str:
    return f"container-{short(identity, 40)}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}-{port}"


def manifests(wish: Wish, identity: str, gateway: ObjectRef, *, made: bool) -> Iterable[str]:
    """One document each, as JSON, which is YAML; the gateway itself only where it is to be `made`."""
    annotations = {CONTAINER_ANNOTATION: identity}
    backend = _backend_name(identity, wish.port)
    endpoint = {"fqdn": {"hostname": alias_of(identity), "port": wish.port}}
    if made:
        listener = {"name": f"http-{wish.listen}", "port": wish.listen, "protocol": "HTTP"}
        yield json.dumps(
            {
                "apiVersion": objects.API_VERSION_OF["Gateway"],
                "kind": "Gateway",
                "metadata": {"name": gateway.name, "namespace": gateway.namespace},
                "spec": {"gatewayClassName": GATEWAY_CLASS, "listeners": [listener]},
            }
        )
    yield json.dumps(
        {
            "apiVersion": objects.API_VERSION_OF["Backend"],
            "kind": "Backend",
            "metadata": {"name": backend, "namespace": gateway.namespace, "annotations": annotations},
            "spec": {"endpoints": [endpoint]},
        }
    )
    rule: dict[str, object] = {
        "matches": [{"path": {"type": "PathPrefix", "value": wish.path}}],
        "backendRefs": [{"group": objects.ENVOY_GATEWAY, "kind": "Backend", "name": backend}],
    }
    if wish.path != "/" and not wish.keep_path:
        path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}
        rule["filters"] = [{"type": "URLRewrite", "urlRewrite": {"path": path}}]
    spec: dict[str, object] = {"parentRefs": [{"name": gateway.name}], "rules": [rule]}
    if wish.host:
        spec["hostnames"] = [wish.host]
    more = {BY_LABELS: "true"} if wish.by_labels else {}
    yield json.dumps(
        {
            "apiVersion": objects.API_VERSION_OF["HTTPRoute"],
            "kind": "HTTPRoute",
            "metadata": {
                "name": route_name(wish, identity, gateway),
                "namespace": gateway.namespace,
                "annotations": annotations | more,
            },
            "spec": spec,
        }
    )
