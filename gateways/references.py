"""Do objects fit together, and with what is there? Reads only; every finding names the field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateways.models import Backend, Gateway, PublishedPort, Route, Target
from gateways.selectors import backend_refs, endpoints
from gateways.spec import objects
from gateways.spec.base import ManifestObject, ObjectRef, Problem

RouteMatchKey = tuple[str, str, str]
"""(gateway, hostname, the match as JSON): what makes two matches the same."""


@dataclass(frozen=True)
class Known:
    """What is there already."""

    gateways: frozenset[ObjectRef]
    backends: dict[ObjectRef, objects.Backend | objects.Service]
    routes: dict[ObjectRef, objects.HTTPRoute]
    ports: dict[tuple[int, int], ObjectRef]
    """(target's primary key, port) to the gateway that owns it."""

    @classmethod
    def around(cls, wanted: Sequence[ManifestObject]) -> Known:
        """What these objects can touch or clash with."""
        routes = [item for item in wanted if isinstance(item, objects.HTTPRoute)]
        parents = {parent.name for route in routes for parent in route.spec.parent_refs}
        names = {ref.name for route in routes for ref, _port in backend_refs(route)}
        numbers = {item.port for each in wanted if isinstance(each, objects.Gateway) for item in each.spec.listeners}
        ports = PublishedPort.objects.select_related("gateway").filter(number__in=numbers)
        beside = Route.objects.filter(gateways__name__in=parents).distinct()
        return cls(
            gateways=frozenset(
                ObjectRef(kind=objects.Gateway.KIND, namespace=namespace, name=name)
                for namespace, name in Gateway.objects.values_list("namespace", "name")
            ),
            backends={backend.ref: backend.as_object() for backend in Backend.objects.filter(name__in=names)},
            routes={route.ref: route.as_object() for route in beside},
            ports={(port.target_id, port.number): port.gateway.ref for port in ports},
        )


def problems_of(wanted: Sequence[ManifestObject], *, known: Known, target: Target) -> list[Problem]:
    """Everything that keeps these objects from being desired state beside what is known."""
    gateways = known.gateways | {item.ref for item in wanted if isinstance(item, objects.Gateway)}
    backends = known.backends | {
        item.ref: item for item in wanted if isinstance(item, objects.Backend | objects.Service)
    }
    routes = [item for item in wanted if isinstance(item, objects.HTTPRoute)]
    found = [
        problem
        for item in wanted
        if isinstance(item, objects.Gateway)
        for problem in _ports(item, wanted, known, target)
    ]
    for route in routes:
        found += _parents(route, gateways)
        found += _backends(route, backends)
    found += _repeated_matches(routes, known)
    return found


def _ports(
    gateway: objects.Gateway, wanted: Sequence[ManifestObject], known: Known, target: Target
) -> Iterable[Problem]:
    others = {
        listener.port: item.ref
        for item in wanted
        if isinstance(item, objects.Gateway) and item.ref != gateway.ref
        for listener in item.spec.listeners
    }
    for index, listener in enumerate(gateway.spec.listeners):
        owner = others.get(listener.port) or known.ports.get((target.pk, listener.port))
        if owner is not None and owner != gateway.ref:
            yield Problem(
                message=f"port {listener.port} of target {target.name} belongs to {owner}",
                hint="use another port, or add a listener to that gateway",
                ref=gateway.ref,
                path=("spec", "listeners", index, "port"),
            )


def _parents(route: objects.HTTPRoute, gateways: frozenset[ObjectRef]) -> Iterable[Problem]:
    for index, parent in enumerate(route.spec.parent_refs):
        if parent.kind != objects.Gateway.KIND:
            continue  # the runtime refuses other parents by name
        ref = ObjectRef(
            kind=objects.Gateway.KIND,
            namespace=parent.namespace or route.metadata.namespace,
            name=parent.name,
        )
        if ref not in gateways:
            known = ", ".join(sorted(str(gateway) for gateway in gateways)) or "none"
            yield Problem(
                message=f"there is no {ref}",
                hint=f"gateways known: {known}",
                ref=route.ref,
                path=("spec", "parentRefs", index, "name"),
            )


def _backends(
    route: objects.HTTPRoute, backends: dict[ObjectRef, objects.Backend | objects.Service]
) -> Iterable[Problem]:
    for rule_index, rule in enumerate(route.spec.rules):
        for index, backend in enumerate(rule.backend_refs):
            if backend.kind not in {objects.Backend.KIND, objects.Service.KIND}:
                continue  # the runtime refuses other kinds by name
            path = ("spec", "rules", rule_index, "backendRefs", index)
            ref = ObjectRef(
                kind=backend.kind, namespace=backend.namespace or route.metadata.namespace, name=backend.name
            )
            if ref not in backends:
                yield Problem(message=f"there is no {ref}", hint=_how_to_name(ref), ref=route.ref, path=(*path, "name"))
            elif not endpoints(backends[ref], backend.port):
                yield Problem(
                    message=f"{ref} has no address and port that this machine can reach",
                    hint=_how_to_name(ref),
                    ref=route.ref,
                    path=(*path, "name"),
                )


def _how_to_name(ref: ObjectRef) -> str:
    if ref.kind == objects.Service.KIND:
        option, annotation = f"--service {ref.name}=HOST:PORT", f"{objects.ADDRESS_ANNOTATION}: HOST:PORT"
        return f"say where it answers: {option}, or annotate it {annotation}"
    return "apply the Backend with it, or before it"


def _repeated_matches(routes: Sequence[objects.HTTPRoute], known: Known) -> Iterable[Problem]:
    """Matches that another route of the same gateway and hostname already has: the younger would never serve."""
    replaced = {route.ref for route in routes}
    taken: dict[RouteMatchKey, ObjectRef] = {}
    for ref, route in known.routes.items():
        if ref not in replaced:
            taken |= {key: ref for key, _path in _match_keys(route)}
    for route in routes:
        own: dict[RouteMatchKey, ObjectRef] = {}
        for key, path in _match_keys(route):
            owner = taken.get(key)
            if owner is not None:
                yield Problem(
                    message=f"{owner} has the same match on the same gateway and hostname; this one would never serve",
                    hint="change the match or the hostname, or delete the other route first",
                    ref=route.ref,
                    path=path,
                )
            own[key] = route.ref
        taken |= own


def _match_keys(route: objects.HTTPRoute) -> Iterable[tuple[RouteMatchKey, tuple[str | int, ...]]]:
    parents = [
        f"{parent.namespace or route.metadata.namespace}/{parent.name}#{parent.section_name or ''}:{parent.port or ''}"
        for parent in route.spec.parent_refs
    ]
    for rule_index, rule in enumerate(route.spec.rules):
        for index, match in enumerate(rule.matches):
            text = match.model_dump_json()
            path = ("spec", "rules", rule_index, "matches", index)
            for parent in parents:
                for hostname in route.spec.hostnames or ("",):
                    yield (parent, hostname, text), path
