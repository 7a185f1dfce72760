"""What of a Gateway this runtime cannot do."""

from __future__ import annotations

from collections.abc import Iterable

from deployments.drivers.process.xds.attachment import hostname_of
from deployments.drivers.process.xds.limits import Path, Refuser
from gateways.spec.base import Problem
from gateways.spec.objects import GATEWAY_API, Gateway, HTTPRoute, Listener


def gateway_refusals(gateway: Gateway) -> Iterable[Problem]:
    say = Refuser(gateway.ref)
    spec = gateway.spec
    fields = (
        ("addresses", spec.addresses),
        ("infrastructure", spec.infrastructure),
        ("backendTLS", spec.backend_tls),
        ("tls", spec.tls),
        ("allowedListeners", spec.allowed_listeners),
        ("defaultScope", spec.default_scope if spec.default_scope != "None" else None),
    )
    yield from say.each_set(fields, ("spec",))
    for index, listener in enumerate(spec.listeners):
        yield from _listener(listener, say, ("spec", "listeners", index))
    yield from _conflicts(gateway, say)


def _listener(listener: Listener, say: Refuser, path: Path) -> Iterable[Problem]:
    if listener.protocol != "HTTP":
        hint = "use protocol HTTP, or the docker or kubernetes runtime"
        yield say.cannot(f"protocol {listener.protocol}", (*path, "protocol"), hint=hint)
    if listener.tls is not None:
        yield say.cannot("tls", (*path, "tls"))
    allowed = listener.allowed_routes
    place = (*path, "allowedRoutes")
    if allowed.namespaces.from_ == "Selector" or allowed.namespaces.selector is not None:
        hint = "namespaces have no labels here: use from: Same or All, or the kubernetes runtime"
        yield say.cannot("allowedRoutes by selector", (*place, "namespaces"), hint=hint)
    for index, kind in enumerate(allowed.kinds):
        if (kind.group, kind.kind) != (GATEWAY_API, HTTPRoute.KIND):
            yield say.cannot(f"routes of kind {kind.kind} ({kind.group or 'core'})", (*place, "kinds", index))


def _conflicts(gateway: Gateway, say: Refuser) -> Iterable[Problem]:
    """Listener status Conflicted: HostnameConflict."""
    first: dict[tuple[int, str], str] = {}
    for index, listener in enumerate(gateway.spec.listeners):
        key = (listener.port, hostname_of(listener))
        if key in first:
            message = f"listener {listener.name} has the port and hostname of listener {first[key]}"
            path = ("spec", "listeners", index, "hostname" if listener.hostname else "port")
            yield say.problem(message, path, hint="give one of them another hostname or port")
        first.setdefault(key, listener.name)
