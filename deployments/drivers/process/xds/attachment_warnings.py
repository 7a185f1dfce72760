"""Routes, or names of theirs, that no request can reach: legal, and rarely meant."""

from __future__ import annotations

from collections.abc import Iterable

from deployments.drivers.process.xds.attachment import (
    allows,
    hostname_of,
    is_served_by,
    listeners_meant,
    names_gateway,
    shared_domains,
)
from deployments.drivers.process.xds.hostnames import ANY
from deployments.drivers.process.xds.limits import Refuser
from gateways.spec.base import Problem
from gateways.spec.objects import Gateway, HTTPRoute, Listener, ParentRef


def attachment_warnings(route: HTTPRoute, gateway: Gateway) -> Iterable[Problem]:
    for index, parent in enumerate(route.spec.parent_refs):
        if names_gateway(parent, route, gateway):
            yield from _parent(parent, index, route, gateway)


def _parent(parent: ParentRef, index: int, route: HTTPRoute, gateway: Gateway) -> Iterable[Problem]:
    say, path = Refuser(route.ref), ("spec", "parentRefs", index)
    meant = listeners_meant(parent, gateway)
    if not meant:
        known = ", ".join(f"{listener.name} ({listener.port})" for listener in gateway.spec.listeners)
        yield say.warning(f"{gateway.ref} has no such listener", path, hint=f"its listeners: {known}")
        return
    allowed = [listener for listener in meant if allows(listener, route, gateway)]
    if not allowed:
        names = ", ".join(listener.name for listener in meant)
        hint = "see allowedRoutes of the listener"
        yield say.warning(f"listener {names} of {gateway.ref} does not allow this route", path, hint=hint)
        return
    yield from _hostnames(route, allowed, gateway, say)


def _hostnames(route: HTTPRoute, allowed: list[Listener], gateway: Gateway, say: Refuser) -> Iterable[Problem]:
    hostnames = ", ".join(hostname_of(listener) for listener in allowed)
    if not any(shared_domains(listener, route) for listener in allowed):
        message = f"no hostname of this route is one of the listeners' ({hostnames})"
        yield say.warning(message, ("spec", "hostnames"), hint="no request can reach it")
        return
    for index, hostname in enumerate(route.spec.hostnames):
        alone = route.model_copy(update={"spec": route.spec.model_copy(update={"hostnames": (hostname,)})})
        if not any(shared_domains(listener, alone) for listener in allowed):
            message = f"hostname {hostname} is not one of the listeners' ({hostnames})"
            yield say.warning(message, ("spec", "hostnames", index), hint="no request for it can reach the route")
    yield from _isolated(route, allowed, gateway, say)


def _isolated(route: HTTPRoute, allowed: list[Listener], gateway: Gateway, say: Refuser) -> Iterable[Problem]:
    """Names that a more specific listener of the port takes away from those that the route is attached to."""
    domains = {
        (domain, is_served_by(listener, domain, gateway.spec.listeners))
        for listener in allowed
        for domain in shared_domains(listener, route)
    }
    served = {domain for domain, reachable in domains if reachable}
    for domain in sorted({domain for domain, _reachable in domains} - served - {ANY}):
        message = f"requests for {domain} belong to a more specific listener, which this route is not attached to"
        yield say.warning(message, ("spec", "parentRefs"), hint="attach the route to that listener too")
