"""Reading desired state."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from django.conf import settings
from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from egx_project.lib.errors import BadInputError, NotFoundError
from gateways.models import Backend, Gateway, Listener, Route, Target
from gateways.spec import objects
from gateways.spec.base import ManifestObject, ObjectRef
from gateways.spec.snapshot import AttachedRoute, Endpoint, GatewaySnapshot, ResolvedBackend

BACKEND_KINDS = (objects.Backend.KIND, objects.Service.KIND)


def gateways() -> QuerySet[Gateway]:
    """Gateways with all that their pages show, in a constant number of queries."""
    listeners = Prefetch("listeners", queryset=Listener.objects.select_related("port"))
    routes = Prefetch("routes", queryset=Route.objects.only("kind", "namespace", "name"))
    return Gateway.objects.select_related("target").prefetch_related(listeners, routes)


def find_gateway(name: str, *, namespace: str | None = None, among: QuerySet[Gateway] | None = None) -> Gateway:
    """The gateway that a user means by a name. Raises NotFoundError, or BadInputError where several are meant."""
    found = list(
        (gateways() if among is None else among).filter(name=name, **({"namespace": namespace} if namespace else {}))
    )
    if len(found) > 1:
        names = ", ".join(f"{gateway.namespace}/{gateway.name}" for gateway in found)
        raise BadInputError(f"several gateways are named {name}: {names}", hint="say which: NAMESPACE/NAME")
    if not found:
        place = f"{namespace}/{name}" if namespace else name
        raise NotFoundError(f"there is no gateway {place}", hint="`egx get gateways` lists them")
    return found[0]


def find_target(name: str) -> Target:
    target = Target.objects.filter(name=name).first()
    if target is None:
        raise NotFoundError(f"there is no target {name}", hint="`egx get targets` lists them")
    return target


def ports_of(gateway: Gateway) -> list[int]:
    """Of a gateway read by `gateways`."""
    return sorted({listener.port.number for listener in gateway.listeners.all()})


def find_row(ref: ObjectRef, *, lock: bool = False) -> Gateway | Route | Backend | None:
    """The row of an object; with `lock`, nobody else writes it until the transaction ends."""
    place = {"namespace": ref.namespace, "name": ref.name}
    found: QuerySet[Gateway] | QuerySet[Route] | QuerySet[Backend]
    if ref.kind == objects.Gateway.KIND:
        found = Gateway.objects.filter(**place)
    elif ref.kind in BACKEND_KINDS:
        found = Backend.objects.filter(kind=ref.kind, **place)
    else:
        found = Route.objects.filter(kind=ref.kind, **place)
    return (found.select_for_update() if lock else found).first()


def get_row(ref: ObjectRef) -> Gateway | Route | Backend:
    """The same. Raises NotFoundError where there is none."""
    row = find_row(ref)
    if row is None:
        raise NotFoundError(f"there is no {ref}")
    return row


def target_for(ref: ObjectRef, name: str | None) -> Target:
    """Where the object goes: the target of this name, or else where its gateway is, or the local one."""
    row = find_row(ref)
    if name is None and isinstance(row, Gateway):
        return row.target
    return find_target(name or settings.EGX_LOCAL_TARGET)


def snapshot(gateway: Gateway) -> GatewaySnapshot:
    """The gateway's desired state, with its routes and their backends, at its present generation."""
    routes = list(gateway.routes.prefetch_related("backends").order_by("pk"))
    attached = tuple(AttachedRoute(route=route.as_object(), created_at=route.created_at) for route in routes)
    return GatewaySnapshot(
        key=gateway.key,
        generation=gateway.generation,
        gateway=gateway.as_object(),
        routes=attached,
        backends=tuple(_resolved(attached, routes)),
    )


def snapshot_of(wanted: Iterable[ManifestObject], *, like: GatewaySnapshot, key: str) -> GatewaySnapshot:
    """The same of objects that are not rows, such as a backup's; what has no age of its own has that of `like`."""
    items = list(wanted)
    ages = {attached.route.ref: attached.created_at for attached in like.routes}
    oldest = min(ages.values(), default=timezone.now())
    attached = tuple(
        AttachedRoute(route=item, created_at=ages.get(item.ref, oldest))
        for item in items
        if isinstance(item, objects.HTTPRoute)
    )
    known = {item.ref: item for item in items if isinstance(item, objects.Backend | objects.Service)}
    return GatewaySnapshot(
        key=key,
        generation=like.generation,
        gateway=next(item for item in items if isinstance(item, objects.Gateway)),
        routes=attached,
        backends=tuple(_resolve(attached, known)),
    )


def _resolved(attached: Iterable[AttachedRoute], rows: Iterable[Route]) -> Iterable[ResolvedBackend]:
    return _resolve(attached, {backend.ref: backend.as_object() for route in rows for backend in route.backends.all()})


def _resolve(
    attached: Iterable[AttachedRoute], known: Mapping[ObjectRef, objects.Backend | objects.Service]
) -> Iterable[ResolvedBackend]:
    wanted = sorted({place for item in attached for place in backend_refs(item.route)}, key=str)
    for ref, port in wanted:
        if ref in known:
            yield ResolvedBackend(ref=ref, port=port, written=known[ref], endpoints=endpoints(known[ref], port))


def backend_refs(route: objects.HTTPRoute) -> Iterable[tuple[ObjectRef, int | None]]:
    """What the route's rules send traffic to: (object, port asked for)."""
    for rule in route.spec.rules:
        for backend in rule.backend_refs:
            namespace = backend.namespace or route.metadata.namespace
            yield ObjectRef(kind=backend.kind, namespace=namespace, name=backend.name), backend.port


def endpoints(backend: objects.Backend | objects.Service, port: int | None) -> tuple[Endpoint, ...]:
    """Where the backend answers; nothing for a Service that has no address outside a cluster, or no port."""
    if isinstance(backend, objects.Service):
        address = _service_address(backend.address or "", port)
        return (address,) if address else ()
    return tuple(_endpoint(endpoint) for endpoint in backend.spec.endpoints)


def _service_address(address: str, port: int | None) -> Endpoint | None:
    host, separator, own_port = address.rpartition(":")
    if not separator or _is_bare_ipv6(address):
        host, own_port = address, ""
    number = int(own_port) if own_port else port
    return Endpoint(host=host.strip("[]"), port=number) if host and number else None


def _is_bare_ipv6(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).version == 6  # noqa: PLR2004
    except ValueError:
        return False


def _endpoint(endpoint: objects.BackendEndpoint) -> Endpoint:
    if endpoint.ip:
        return Endpoint(host=endpoint.ip.address, port=endpoint.ip.port)
    if endpoint.fqdn:
        return Endpoint(host=endpoint.fqdn.hostname, port=endpoint.fqdn.port)
    return Endpoint(unix=endpoint.unix.path if endpoint.unix else "")


def export(*, kinds: Iterable[str], namespace: str | None = None, name: str | None = None) -> list[ManifestObject]:
    """The objects of these kinds, as their authors wrote them."""
    wanted = set(kinds)
    place = {field: value for field, value in (("namespace", namespace), ("name", name)) if value}
    found: list[ManifestObject] = []
    if objects.Gateway.KIND in wanted:
        found += [row.as_object() for row in Gateway.objects.filter(**place).prefetch_related("listeners")]
    found += [route.as_object() for route in Route.objects.filter(kind__in=wanted, **place)]
    found += [backend.as_object() for backend in Backend.objects.filter(kind__in=wanted, **place)]
    return found
