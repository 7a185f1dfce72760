"""Which routes attach to which listeners, for which names (Gateway API: ParentReference, AllowedRoutes)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deployments.drivers.process.xds.hostnames import ANY, intersection, owner
from gateways.spec.objects import GATEWAY_API, Gateway, HTTPRoute, Listener, ParentRef
from gateways.spec.snapshot import AttachedRoute, GatewaySnapshot


@dataclass(frozen=True)
class Attachment:
    """A route that serves requests for `domain` on a listener's port."""

    listener: Listener
    domain: str
    attached: AttachedRoute


def hostname_of(listener: Listener) -> str:
    return listener.hostname or ANY


def names_gateway(parent: ParentRef, route: HTTPRoute, gateway: Gateway) -> bool:
    """Whether the parentRef means this gateway, or a listener of it."""
    namespace = parent.namespace or route.metadata.namespace
    return (parent.group, parent.kind, namespace, parent.name) == (
        GATEWAY_API,
        Gateway.KIND,
        gateway.metadata.namespace,
        gateway.metadata.name,
    )


def listeners_meant(parent: ParentRef, gateway: Gateway) -> list[Listener]:
    """The listeners that the parentRef asks for; all of them, unless it says sectionName or port."""
    return [
        listener
        for listener in gateway.spec.listeners
        if parent.section_name in {None, listener.name} and parent.port in {None, listener.port}
    ]


def allows(listener: Listener, route: HTTPRoute, gateway: Gateway) -> bool:
    """Whether the listener's allowedRoutes let the route in. Selectors are refused before."""
    allowed = listener.allowed_routes
    kinds = {(kind.group, kind.kind) for kind in allowed.kinds} or {(GATEWAY_API, HTTPRoute.KIND)}
    if (GATEWAY_API, HTTPRoute.KIND) not in kinds:
        return False
    if allowed.namespaces.from_ == "Same":
        return route.metadata.namespace == gateway.metadata.namespace
    return allowed.namespaces.from_ == "All"


def shared_domains(listener: Listener, route: HTTPRoute) -> set[str]:
    """The names that the listener and the route have in common."""
    common = (intersection(hostname_of(listener), hostname) for hostname in route.spec.hostnames or (ANY,))
    return {domain for domain in common if domain is not None}


def is_served_by(listener: Listener, domain: str, beside: Sequence[Listener]) -> bool:
    """Whether requests for `domain` belong to this listener, and not to a more specific one of its port."""
    hostnames = (hostname_of(other) for other in beside if other.port == listener.port)
    return owner(hostnames, domain) == hostname_of(listener)


def attachments(snapshot: GatewaySnapshot) -> Iterable[Attachment]:
    """Every (listener, domain, route) of the snapshot, each once."""
    gateway = snapshot.gateway
    for attached in snapshot.routes:
        route = attached.route
        parents = [parent for parent in route.spec.parent_refs if names_gateway(parent, route, gateway)]
        meant = {listener.name for parent in parents for listener in listeners_meant(parent, gateway)}
        for listener in gateway.spec.listeners:
            if listener.name not in meant or not allows(listener, route, gateway):
                continue
            for domain in sorted(shared_domains(listener, route)):
                if is_served_by(listener, domain, gateway.spec.listeners):
                    yield Attachment(listener=listener, domain=domain, attached=attached)
