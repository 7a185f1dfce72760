"""A container exposed, and taken back: the manifest is worked out here, and applied like any other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from django.db import transaction

from deployments import applying
from deployments.applying import Outcome
from deployments.drivers.joining import Candidate, LabelledRoute
from deployments.exposing.offers import Exposure, candidates, docker_target, exposures
from deployments.exposing.written import Wish, manifests, plain, route_name
from egx_project.lib.errors import BadInputError, ConflictError, NotFoundError
from gateways.manifests.reader import Source, read
from gateways.models import Backend, Gateway, Route, Target
from gateways.selectors import find_gateway
from gateways.spec import objects
from gateways.spec.base import ObjectRef
from gateways.spec.containers import CONTAINER_ANNOTATION

SOURCE = "expose"
"""What problems call the manifest that is made here."""


def expose(wish: Wish, *, by: str, dry_run: bool = False, planned: str | None = None) -> Outcome:
    """Send what comes to the gateway at this path to the container, which joins EGX's network for it.

    Raises NotFoundError where there is no such container, gateway or target; BadInputError for what cannot be;
    ConflictError where the path leads elsewhere already.
    """
    target = _target_of(wish)
    candidate = _find(wish.container, candidates(target))
    if candidate.obstacle:
        raise BadInputError(f"container {candidate.identity} cannot be exposed: {candidate.obstacle}")
    asked = not (wish.path or wish.host)
    wishes = [_labelled(wish, route) for route in candidate.routes] if asked and candidate.routes else [wish]
    return _expose(wishes, candidate, target, by=by, dry_run=dry_run, planned=planned)


def expose_by_labels(candidate: Candidate, route: LabelledRoute, target: Target, *, by: str) -> Outcome:
    """Have one path that the container's labels ask for, marked as theirs. Raises as `expose` does."""
    wish = Wish(container=candidate.identity, target=target.name, by_labels=True)
    return _expose([_labelled(wish, route)], candidate, target, by=by)


def _labelled(wish: Wish, route: LabelledRoute) -> Wish:
    """What labels ask for; what was asked for by hand comes first."""
    return replace(
        wish,
        path=route.path,
        host=route.host,
        port=wish.port or route.port,
        gateway=wish.gateway or route.gateway,
        keep_path=wish.keep_path or route.keep_path,
    )


def _expose(
    wishes: Sequence[Wish],
    candidate: Candidate,
    target: Target,
    *,
    by: str,
    dry_run: bool = False,
    planned: str | None = None,
) -> Outcome:
    documents: dict[str, None] = {}
    with transaction.atomic():
        for wish in wishes:
            gateway, made = _gateway_of(wish, target)
            exact = replace(wish, path=plain(wish.path), port=_port(wish, candidate))
            _refuse_taken(exact, candidate.identity, gateway)
            documents |= dict.fromkeys(manifests(exact, candidate.identity, gateway, made=made))
        manifest = read([Source(name=SOURCE, text="\n---\n".join(documents))])
        return applying.apply_manifest(manifest, target=target, by=by, dry_run=dry_run, planned=planned)


def _port(wish: Wish, candidate: Candidate) -> int:
    port = wish.port or (candidate.ports[0].number if candidate.ports else 0)
    if not port:
        raise BadInputError(
            f"container {candidate.identity} does not say which port it listens on",
            hint="name it: --port PORT" if candidate.running else "start it, or name the port: --port PORT",
        )
    return port


def _find(name: str, among: Sequence[Candidate]) -> Candidate:
    found = [one for one in among if one.is_called(name)]
    if not found:
        raise NotFoundError(f"there is no container {name[:100]}", hint="`egx containers` lists them")
    return found[0]


def _target_of(wish: Wish) -> Target:
    """The target that is named, or that of the gateway, or the usual one."""
    gateway = None
    if wish.gateway and not wish.target:
        namespace, name = _place(wish.gateway)
        gateway = Gateway.objects.filter(namespace=namespace, name=name).select_related("target").first()
    return docker_target(gateway.target.name if gateway else wish.target)


def _place(gateway: str) -> tuple[str, str]:
    namespace, _, name = gateway.rpartition("/")
    return namespace or "default", name


def _gateway_of(wish: Wish, target: Target) -> tuple[ObjectRef, bool]:
    """The gateway, and whether it has to be made."""
    if not wish.gateway:
        return _only_gateway(wish, target), False
    namespace, name = _place(wish.gateway)
    there = Gateway.objects.filter(namespace=namespace, name=name).first()
    if there is None and wish.listen:
        return ObjectRef(kind="Gateway", namespace=namespace, name=name), True
    gateway = find_gateway(name, namespace=namespace)
    if gateway.target_id != target.pk:
        raise BadInputError(f"gateway {gateway.place} runs on target {gateway.target.name}, not on {target.name}")
    if wish.listen and not gateway.ports.filter(number=wish.listen).exists():
        raise ConflictError(
            f"gateway {gateway.place} is there already, and does not listen on {wish.listen}",
            hint="leave --listen out, or name a new gateway",
        )
    return gateway.ref, False


def _only_gateway(wish: Wish, target: Target) -> ObjectRef:
    found = list(Gateway.objects.filter(target=target)[:5])
    if not found:
        raise NotFoundError(
            f"there is no gateway on target {target.name} yet",
            hint=f"make one: `egx expose {wish.container[:100]} --at {plain(wish.path)[:100]} "
            "--gateway web --listen 8080`",
        )
    if len(found) > 1:
        names = ", ".join(gateway.place for gateway in found)
        raise BadInputError(f"target {target.name} has several gateways: {names}", hint="say which: --gateway GATEWAY")
    return found[0].ref


def _refuse_taken(wish: Wish, identity: str, gateway: ObjectRef) -> None:
    """Of two equal matches the older one has all the traffic: exposing would then do nothing."""
    own = route_name(wish, identity, gateway)
    for route in Route.objects.filter(gateways__namespace=gateway.namespace, gateways__name=gateway.name):
        if route.name == own and route.namespace == gateway.namespace:
            if route.annotations.get(CONTAINER_ANNOTATION) != identity:
                raise ConflictError(f"{route} is there already, and not by `egx expose`", hint="rename it first")
            continue
        written = route.as_object()
        hosts = written.spec.hostnames or ("",)
        if wish.host in hosts and any(
            _same_place(match, wish) for rule in written.spec.rules for match in rule.matches
        ):
            where = f"{wish.host}{wish.path}"
            raise ConflictError(f"{route} has {where} of gateway {gateway.name} already", hint="choose another path")


def _same_place(match: objects.HTTPRouteMatch, wish: Wish) -> bool:
    narrower = match.headers or match.query_params or match.method
    return not narrower and match.path.type == "PathPrefix" and plain(match.path.value) == wish.path


def unexpose(container: str, *, by: str, path: str = "", target: str = "", dry_run: bool = False) -> Outcome:
    """Take the routes away that lead to the container, or the one at this path; it leaves EGX's network with the last.

    Raises NotFoundError where there is none, ConflictError where somebody wrote them by hand.
    """
    found = _exposed_as(container, docker_target(target))
    asked = [one for one in found if not path or one.path == plain(path)]
    if not asked:
        where = f" at {path[:100]}" if path else ""
        raise NotFoundError(f"container {container[:100]} is not exposed{where}", hint="`egx containers` lists them")
    own = {one.route for one in asked if one.own}
    if not own:
        written = sorted({str(one.route) for one in asked})
        raise ConflictError(
            f"container {container} is exposed by {', '.join(written)}, not by `egx expose`",
            hint=f"`egx delete {asked[0].route.kind} {asked[0].route.name}`, or change it",
        )
    with transaction.atomic():
        return applying.delete_objects([*own, *_left_alone(own)], by=by, dry_run=dry_run)


def _exposed_as(container: str, target: Target) -> list[Exposure]:
    """By what it is the same by, or by the name of one that is there."""
    found = exposures(target)
    if not any(one.identity == container for one in found):
        identities = {one.identity for one in candidates(target) if one.is_called(container)}
        return [one for one in found if one.identity in identities]
    return [one for one in found if one.identity == container]


def _left_alone(routes: Iterable[ObjectRef]) -> list[ObjectRef]:
    """Backends of containers to which no other route leads, once these are gone."""
    named = set(routes)
    backends = Backend.objects.filter(
        annotations__has_key=CONTAINER_ANNOTATION,
        routes__name__in={ref.name for ref in named},
        routes__namespace__in={ref.namespace for ref in named},
    )
    return [
        backend.ref
        for backend in backends.distinct().prefetch_related("routes")
        if {route.ref for route in backend.routes.all()} <= named
    ]
