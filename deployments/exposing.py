"""Containers of users behind a gateway: which there are, and a route to one by its name alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from django.conf import settings
from django.db import transaction

from deployments import applying
from deployments.applying import Outcome
from deployments.drivers.base import DriverError
from deployments.drivers.joining import Candidate, ContainerDriver, LabelledRoute
from deployments.tasks import driver_of
from egx_project.lib.errors import BadInputError, ConflictError, EgxError, NotFoundError
from gateways.manifests.reader import Source, read
from gateways.models import Backend, Gateway, Route, Target
from gateways.selectors import backend_refs, find_gateway, find_target
from gateways.spec import objects
from gateways.spec.base import ObjectRef
from gateways.spec.containers import CONTAINER_ANNOTATION, alias_of, short

SOURCE = "expose"
"""What problems call the manifest that is made here."""
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


@dataclass(frozen=True)
class Exposure:
    """Where a container is reached."""

    identity: str
    gateway: str
    path: str
    host: str
    port: int
    route: ObjectRef
    own: bool
    """Made by `expose`, and so taken away by `unexpose`."""
    by_labels: bool = False
    """Labels asked for it, and nobody else did."""


@dataclass(frozen=True)
class Offer:
    """A container, and where it is reached already. One that is gone has only a name."""

    candidate: Candidate
    exposures: tuple[Exposure, ...] = ()
    missing: bool = False

    @property
    def open_routes(self) -> tuple[LabelledRoute, ...]:
        """What its labels ask for, and it does not have."""
        have = {(found.path, found.host) for found in self.exposures}
        return tuple(route for route in self.candidate.routes if (_plain(route.path), route.host) not in have)


# --- reading ----------------------------------------------------------------------------------------------------------


def offers(target: Target) -> list[Offer]:
    """The target's containers, those first that run. Raises BadInputError for a target that has none to show."""
    found, exposed = _candidates(target), exposures(target)
    by_identity: dict[str, list[Exposure]] = {}
    for exposure in exposed:
        by_identity.setdefault(exposure.identity, []).append(exposure)
    there = [Offer(one, tuple(by_identity.get(one.identity, ()))) for one in found]
    known = {one.identity for one in found}
    gone = [
        Offer(Candidate(identity=identity, names=(), image="", state="missing"), tuple(routes), missing=True)
        for identity, routes in by_identity.items()
        if identity not in known
    ]
    return sorted([*there, *gone], key=lambda offer: (not offer.candidate.running, offer.candidate.identity))


def exposures(target: Target) -> list[Exposure]:
    """Every path of the target's gateways that leads to a container."""
    backends = Backend.objects.filter(annotations__has_key=CONTAINER_ANNOTATION, routes__gateways__target=target)
    found = []
    for backend in backends.distinct().prefetch_related("routes__gateways"):
        for route in backend.routes.all():
            gateways = [gateway.place for gateway in route.gateways.all() if gateway.target_id == target.pk]
            found += [one for gateway in gateways for one in _exposures(backend, route, gateway)]
    return sorted(found, key=lambda one: (one.identity, one.gateway, one.host, one.path))


def _exposures(backend: Backend, route: Route, gateway: str) -> Iterable[Exposure]:
    written, place = route.as_object(), backend.as_object()
    if not isinstance(place, objects.Backend) or not place.spec.endpoints:
        return
    endpoint = place.spec.endpoints[0].fqdn
    for rule in written.spec.rules:
        refs = {ref for ref, _port in backend_refs(_with_rule(written, rule))}
        if backend.ref not in refs:
            continue
        for match in rule.matches:
            for host in written.spec.hostnames or ("",):
                yield Exposure(
                    identity=backend.annotations[CONTAINER_ANNOTATION],
                    gateway=gateway,
                    path=match.path.value,
                    host=host,
                    port=endpoint.port if endpoint else 0,
                    route=route.ref,
                    own=CONTAINER_ANNOTATION in route.annotations,
                    by_labels=BY_LABELS in route.annotations,
                )


def _with_rule(route: objects.HTTPRoute, rule: objects.HTTPRouteRule) -> objects.HTTPRoute:
    return route.model_copy(update={"spec": route.spec.model_copy(update={"rules": (rule,)})})


def docker_target(name: str = "") -> Target:
    """Where containers are looked for. Raises NotFoundError, and BadInputError for a target that reaches none."""
    target = find_target(name or settings.EGX_DOCKER_TARGET)
    _driver(target)
    return target


def _candidates(target: Target) -> Sequence[Candidate]:
    try:
        return _driver(target).candidates()
    except DriverError as error:
        raise ConflictError(f"containers cannot be listed: {error.message}", hint=error.hint) from error


def _driver(target: Target) -> ContainerDriver:
    driver = driver_of(target)
    if not isinstance(driver, ContainerDriver):
        raise BadInputError(
            f"gateways on target {target.name} ({target.kind}) do not reach containers by name",
            hint="expose on a target of kind docker, or write a Backend with an address that the container publishes",
        )
    if target.node not in {"", settings.EGX_NODE}:
        raise BadInputError(
            f"the containers of target {target.name} are seen from node {target.node} only",
            hint=f"ask the EGX on {target.node}",
        )
    return driver


# --- exposing ---------------------------------------------------------------------------------------------------------


def expose(wish: Wish, *, by: str, dry_run: bool = False, planned: str | None = None) -> Outcome:
    """Send what comes to the gateway at this path to the container, which joins EGX's network for it.

    Raises NotFoundError where there is no such container, gateway or target; BadInputError for what cannot be;
    ConflictError where the path leads elsewhere already.
    """
    target = _target_of(wish)
    candidate = _find(wish.container, _candidates(target))
    if candidate.obstacle:
        raise BadInputError(f"container {candidate.identity} cannot be exposed: {candidate.obstacle}")
    asked = not (wish.path or wish.host)
    wishes = [_labelled(wish, route) for route in candidate.routes] if asked and candidate.routes else [wish]
    return _expose(wishes, candidate, target, by=by, dry_run=dry_run, planned=planned)


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
            exact = replace(wish, path=_plain(wish.path), port=_port(wish, candidate))
            _refuse_taken(exact, candidate.identity, gateway)
            documents |= dict.fromkeys(_written(exact, candidate.identity, gateway, made=made))
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
            hint=f"make one: `egx expose {wish.container[:100]} --at {_plain(wish.path)[:100]} "
            "--gateway web --listen 8080`",
        )
    if len(found) > 1:
        names = ", ".join(gateway.place for gateway in found)
        raise BadInputError(f"target {target.name} has several gateways: {names}", hint="say which: --gateway GATEWAY")
    return found[0].ref


def _plain(path: str) -> str:
    """`/shop/` and `/shop` match the same."""
    return path.rstrip("/") or "/"


def _refuse_taken(wish: Wish, identity: str, gateway: ObjectRef) -> None:
    """Of two equal matches the older one has all the traffic: exposing would then do nothing."""
    own = _route_name(wish, identity, gateway)
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
    return not narrower and match.path.type == "PathPrefix" and _plain(match.path.value) == wish.path


def _route_name(wish: Wish, identity: str, gateway: ObjectRef) -> str:
    facts = "\0".join([identity, gateway.namespace, gateway.name, wish.host, _plain(wish.path)])
    return f"container-{short(identity, 40)}-{hashlib.sha256(facts.encode()).hexdigest()[:8]}"


def _backend_name(identity: str, port: int) -> str:
    return f"container-{short(identity, 40)}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}-{port}"


def _written(wish: Wish, identity: str, gateway: ObjectRef, *, made: bool) -> Iterable[str]:
    """Manifests, as JSON, which is YAML."""
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
                "name": _route_name(wish, identity, gateway),
                "namespace": gateway.namespace,
                "annotations": annotations | more,
            },
            "spec": spec,
        }
    )


# --- and back ---------------------------------------------------------------------------------------------------------


def unexpose(container: str, *, by: str, path: str = "", target: str = "", dry_run: bool = False) -> Outcome:
    """Take the routes away that lead to the container, or the one at this path; it leaves EGX's network with the last.

    Raises NotFoundError where there is none, ConflictError where somebody wrote them by hand.
    """
    found = _exposed_as(container, docker_target(target))
    asked = [one for one in found if not path or one.path == _plain(path)]
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
        identities = {one.identity for one in _candidates(target) if one.is_called(container)}
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


# --- labels that are followed -----------------------------------------------------------------------------------------

LABELS = "labels"
"""Who asks for what labels ask for."""


def follow_labels(target: Target) -> list[str]:
    """Have what containers' labels ask for, and nothing that they asked for and do not any more; what could not be.

    What somebody exposed by hand is left alone, and so is what a container asked for that is only away.
    """
    problems = []
    for offer in offers(target):
        if offer.missing:
            continue
        problems += [_said(offer, error) for error in _follow(offer, target)]
    return problems


def _said(offer: Offer, error: EgxError) -> str:
    return f"container {offer.candidate.identity}: what its labels ask for cannot be: {error}"


def _follow(offer: Offer, target: Target) -> Iterable[EgxError]:
    candidate = offer.candidate
    wanted = {(_plain(route.path), route.host) for route in candidate.routes}
    for found in offer.exposures:
        if found.by_labels and (found.path, found.host) not in wanted and not candidate.problems:
            yield from _tried(partial(unexpose, found.identity, path=found.path, target=target.name, by=LABELS))
    for route in offer.open_routes:
        wish = _labelled(Wish(container=candidate.identity, target=target.name, by_labels=True), route)
        yield from _tried(partial(_expose, [wish], candidate, target, by=LABELS))


def _tried(change: Callable[[], Outcome]) -> Iterable[EgxError]:
    try:
        change()
    except EgxError as error:
        yield error
