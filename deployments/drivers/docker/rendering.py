"""A gateway's snapshot as the objects that Envoy Gateway reads in standalone mode. Pure.

Few and large, since a reload costs the engine about 0.1 s an object: what the user wrote, and five of EGX's own. One
of these is the marker, a route on a listener that only EGX asks, whose answer names the revision and the generation:
what answers so has gone all the way from the file through the controller to Envoy's workers.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import yaml

from deployments.drivers.docker import hosts, layout
from gateways.manifests.writer import document
from gateways.spec.base import ManifestObject, ObjectRef
from gateways.spec.objects import ENVOY_GATEWAY, GATEWAY_API, Backend, Gateway, HTTPRoute, Service
from gateways.spec.snapshot import AttachedRoute, GatewaySnapshot, ResolvedBackend

Object = dict[str, Any]

CONTROLLER = "gateway.envoyproxy.io/gatewayclass-controller"
SYSTEM = "envoy-gateway-system"
OWN = "egx"
"""The name of EGX's own objects."""
MARKER_LISTENER = "egx-marker"
MARKER_DOMAIN = "egx.internal"
MARKER_HOST = f"marker.{MARKER_DOMAIN}"
MARKER_PATH = "/.well-known/egx-generation"
DNS_REFRESH = "2s"
STDOUT = "/proc/1/fd/1"
"""The container's own log, which Docker rotates. Envoy's own stdout goes to a file in the volume, too, which nobody
does."""


@dataclass(frozen=True)
class Options:
    """What of an installation shows in the objects."""

    host: str
    """Name or address under which containers reach this machine."""
    concurrency: int = 2
    access_log: bool = True


def marker(revision: int, generation: int) -> str:
    """The host that the marker redirects to."""
    return f"g{generation}.r{revision}.{MARKER_DOMAIN}"


def held(location: str) -> tuple[int, int] | None:
    """(revision, generation) of a marker's answer."""
    found = re.search(r"//g(\d+)\.r(\d+)\." + re.escape(MARKER_DOMAIN), location)
    return (int(found[2]), int(found[1])) if found else None


def objects(snapshot: GatewaySnapshot, *, revision: int, address: str, options: Options) -> list[Object]:
    """Everything that the engine of the revision at this address is told."""
    backends = _backends(snapshot, options)
    return [
        _gateway_class(snapshot.gateway),
        _envoy_proxy(options, address),
        _gateway(snapshot.gateway),
        _client_policy(snapshot.gateway),
        _backend_policy(snapshot.gateway),
        _marker_route(snapshot, revision),
        *(_route(attached, snapshot.gateway, backends) for attached in snapshot.routes),
        *(backend for _ref, backend in sorted(backends.items(), key=lambda item: str(item[0]))),
    ]


def marked(found: Iterable[Object], *, revision: int, generation: int, address: str) -> list[Object]:
    """The same objects for another revision, or of another generation."""
    host = marker(revision, generation)
    return [
        _with_marker(item, host) if _is_marker(item) else _at(item, address) if _is_proxy(item) else item
        for item in found
    ]


def without_marker(found: Iterable[Object]) -> list[Object]:
    """What makes a difference to clients."""
    return [item for item in found if not _is_marker(item)]


def _is_marker(found: Object) -> bool:
    return bool(found["kind"] == HTTPRoute.KIND and found["metadata"]["name"] == MARKER_LISTENER)


def _is_proxy(found: Object) -> bool:
    return bool(found["kind"] == "EnvoyProxy" and found["metadata"]["name"] == OWN)


def _at(found: Object, address: str) -> Object:
    made = copy.deepcopy(found)
    made["spec"]["bootstrap"]["value"] = _bootstrap(address)
    return made


def _with_marker(found: Object, host: str) -> Object:
    made = copy.deepcopy(found)
    made["spec"]["rules"][0]["filters"][0]["requestRedirect"]["hostname"] = host
    return made


def engine_config(*, key: str, revision: int, address: str, envoy_digest: str, log_level: str) -> str:
    """`envoy-gateway server --config-path`: a provider that watches the revision's folder."""
    home = layout.revision(key, revision)
    host = {
        "configHome": layout.inside(layout.conf(key)),
        "dataHome": layout.inside(layout.envoys(envoy_digest)),
        "stateHome": layout.inside(f"{home}/state"),
        "runtimeDir": layout.inside(f"{home}/run"),
    }
    config = {
        "apiVersion": f"{ENVOY_GATEWAY}/v1alpha1",
        "kind": "EnvoyGateway",
        "gateway": {"controllerName": CONTROLLER},
        "provider": {
            "type": "Custom",
            "custom": {
                "resource": {"type": "File", "file": {"paths": [layout.inside(layout.config(key, revision))]}},
                "infrastructure": {"type": "Host", "host": host},
            },
        },
        "admin": {"address": {"host": address, "port": layout.ENGINE_ADMIN_PORT}},
        "logging": {"level": {"default": log_level}},
        "extensionApis": {"enableBackend": True},
    }
    return yaml.safe_dump(config, sort_keys=False)


def file(found: Iterable[Object]) -> bytes:
    """The objects as the one file that the engine reads; its YAML is JSON, one document an object."""
    return "---\n".join(yaml.safe_dump(item, sort_keys=False, width=2**31 - 1) for item in found).encode()


# --- EGX's own ----------------------------------------------------------------------------------------------------


def _gateway_class(gateway: Gateway) -> Object:
    parameters = {"group": ENVOY_GATEWAY, "kind": "EnvoyProxy", "name": OWN, "namespace": SYSTEM}
    return {
        "apiVersion": f"{GATEWAY_API}/v1",
        "kind": "GatewayClass",
        "metadata": {"name": gateway.spec.gateway_class_name},
        "spec": {"controllerName": CONTROLLER, "parametersRef": parameters},
    }


def _bootstrap(address: str) -> str:
    """Envoy's admin interface is in EGX's network only, and not in that of the users' containers."""
    place = {"address": address, "port_value": layout.ENVOY_ADMIN_PORT}
    return yaml.safe_dump({"admin": {"address": {"socket_address": place}}, "stats_flush_interval": "1s"})


def _envoy_proxy(options: Options, address: str) -> Object:
    log: Object = {"disable": True}
    if options.access_log:
        log = {"settings": [{"format": {"type": "JSON", "json": ACCESS_LOG}, "sinks": [_stdout()]}]}
    return {
        "apiVersion": f"{ENVOY_GATEWAY}/v1alpha1",
        "kind": "EnvoyProxy",
        "metadata": {"name": OWN, "namespace": SYSTEM},
        "spec": {
            "bootstrap": {"type": "Merge", "value": _bootstrap(address)},
            "concurrency": options.concurrency,
            "telemetry": {"accessLog": log},
        },
    }


def _stdout() -> Object:
    return {"type": "File", "file": {"path": STDOUT}}


ACCESS_LOG = {
    "start_time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "protocol": "%PROTOCOL%",
    "authority": "%REQ(:AUTHORITY)%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "duration_ms": "%DURATION%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS%",
    "upstream": "%UPSTREAM_HOST%",
    "route": "%ROUTE_NAME%",
    "request_id": "%REQ(X-REQUEST-ID)%",
}


def _client_policy(gateway: Gateway) -> Object:
    """The client's address survives the edge, which says it by PROXY v2; EGX's own probes come without."""
    target = {"group": GATEWAY_API, "kind": Gateway.KIND, "name": gateway.metadata.name}
    return {
        "apiVersion": f"{ENVOY_GATEWAY}/v1alpha1",
        "kind": "ClientTrafficPolicy",
        "metadata": {"name": OWN, "namespace": gateway.metadata.namespace},
        "spec": {"targetRefs": [target], "proxyProtocol": {"optional": True}},
    }


def _backend_policy(gateway: Gateway) -> Object:
    """Docker's DNS says of each name that it holds for ten minutes, and the next container has another address."""
    target = {"group": GATEWAY_API, "kind": Gateway.KIND, "name": gateway.metadata.name}
    return {
        "apiVersion": f"{ENVOY_GATEWAY}/v1alpha1",
        "kind": "BackendTrafficPolicy",
        "metadata": {"name": OWN, "namespace": gateway.metadata.namespace},
        "spec": {"targetRefs": [target], "dns": {"dnsRefreshRate": DNS_REFRESH, "respectDnsTtl": False}},
    }


def _marker_route(snapshot: GatewaySnapshot, revision: int) -> Object:
    metadata = snapshot.gateway.metadata
    redirect = {"hostname": marker(revision, snapshot.generation), "statusCode": 302}
    rule = {
        "matches": [{"path": {"type": "Exact", "value": MARKER_PATH}}],
        "filters": [{"type": "RequestRedirect", "requestRedirect": redirect}],
    }
    return {
        "apiVersion": f"{GATEWAY_API}/v1",
        "kind": HTTPRoute.KIND,
        "metadata": {"name": MARKER_LISTENER, "namespace": metadata.namespace},
        "spec": {"parentRefs": [{"name": metadata.name, "sectionName": MARKER_LISTENER}], "rules": [rule]},
    }


# --- the user's -----------------------------------------------------------------------------------------------------


def _gateway(gateway: Gateway) -> Object:
    found = _document(gateway)
    own = {
        "name": MARKER_LISTENER,
        "hostname": MARKER_HOST,
        "port": layout.MARKER_PORT,
        "protocol": "HTTP",
    }
    listeners = [{**listener, "port": layout.inner_port(listener["port"])} for listener in found["spec"]["listeners"]]
    return {**found, "spec": {**found["spec"], "listeners": [*listeners, own]}}


def _route(attached: AttachedRoute, gateway: Gateway, backends: Mapping[ObjectRef, Object]) -> Object:
    """As it was written, but for its age, Services, and ports that lie elsewhere inside."""
    found = _document(attached.route)
    found["metadata"]["creationTimestamp"] = attached.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    moved = {listener.port for listener in gateway.spec.listeners if layout.inner_port(listener.port) != listener.port}
    for parent in found["spec"]["parentRefs"]:
        if "port" in parent:
            parent["port"] = layout.inner_port(parent["port"])
    namespace = attached.route.metadata.namespace
    for rule in found["spec"].get("rules", ()):
        if "backendRefs" in rule:
            rule["backendRefs"] = [_backend_ref(ref, namespace, backends) for ref in rule["backendRefs"]]
        for item in rule.get("filters", ()):
            _filter(item, namespace, backends, outer=min(moved, default=0))
    return found


def _filter(found: Object, namespace: str, backends: Mapping[ObjectRef, Object], *, outer: int) -> None:
    mirror = found.get("requestMirror")
    if mirror:
        mirror["backendRef"] = _backend_ref(mirror["backendRef"], namespace, backends)
    redirect = found.get("requestRedirect")
    if redirect and outer and not {"port", "scheme"} & set(redirect):
        redirect["port"] = outer  # else the engine would send clients to the port inside


def _backend_ref(ref: Object, namespace: str, backends: Mapping[ObjectRef, Object]) -> Object:
    """The engine has no Services in this mode: each is a Backend of the same addresses."""
    for item in ref.get("filters", ()):
        _filter(item, namespace, backends, outer=0)
    if ref.get("kind", Service.KIND) != Service.KIND:
        return ref
    place = ObjectRef(
        kind=Backend.KIND, namespace=ref.get("namespace", namespace), name=_service_name(ref["name"], ref.get("port"))
    )
    kept = {key: value for key, value in ref.items() if key not in {"group", "kind", "port"}}
    return {**kept, "group": ENVOY_GATEWAY, "kind": Backend.KIND, "name": place.name}


def _service_name(name: str, port: int | None) -> str:
    return f"service-{name}-{port or 0}"


def _backends(snapshot: GatewaySnapshot, options: Options) -> dict[ObjectRef, Object]:
    found: dict[ObjectRef, Object] = {}
    for backend in snapshot.backends:
        made = _backend(backend, options)
        place = ObjectRef(kind=Backend.KIND, namespace=made["metadata"]["namespace"], name=made["metadata"]["name"])
        found[place] = made
    return found


def _backend(backend: ResolvedBackend, options: Options) -> Object:
    written = backend.written
    if isinstance(written, Backend):
        found = _document(written)
        for endpoint in found["spec"]["endpoints"]:
            _seen_from_inside(endpoint, options)
        return found
    metadata = {
        "name": _service_name(written.metadata.name, backend.port),
        "namespace": written.metadata.namespace,
    }
    return {
        "apiVersion": Backend.API_VERSIONS[0],
        "kind": Backend.KIND,
        "metadata": metadata,
        "spec": {"endpoints": [_address(endpoint.host, endpoint.port, options) for endpoint in backend.endpoints]},
    }


def _seen_from_inside(endpoint: Object, options: Options) -> None:
    """A Backend's endpoint, where it names this machine."""
    host = endpoint.get("ip", {}).get("address") or endpoint.get("fqdn", {}).get("hostname", "")
    if hosts.is_this_machine(host):
        port = (endpoint.pop("ip", None) or endpoint.pop("fqdn"))["port"]
        endpoint |= _address(host, port, options)


def _address(host: str, port: int, options: Options) -> Object:
    host = (options.host if hosts.is_this_machine(host) else host).strip("[]")
    if hosts.is_address(host):
        return {"ip": {"address": host, "port": port}}
    return {"fqdn": {"hostname": host, "port": port}}


def _document(item: ManifestObject) -> Object:
    return cast("Object", document(item))
