"""Which containers there are, and where each is reached already. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings

from deployments.drivers.base import DriverError
from deployments.drivers.joining import Candidate, ContainerDriver, LabelledRoute
from deployments.exposing.written import BY_LABELS, plain
from deployments.tasks import driver_of
from egx_project.lib.errors import BadInputError, ConflictError
from gateways.models import Backend, Route, Target
from gateways.selectors import backend_refs, find_target
from gateways.spec import objects
from gateways.spec.base import ObjectRef
from gateways.spec.containers import CONTAINER_ANNOTATION


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
        return tuple(route for route in self.candidate.routes if (plain(route.path), route.host) not in have)


def offers(target: Target) -> list[Offer]:
    """The target's containers, those first that run. Raises BadInputError for a target that has none to show."""
    found, exposed = candidates(target), exposures(target)
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


def candidates(target: Target) -> Sequence[Candidate]:
    """What the target has. Raises ConflictError where it cannot be looked at now, BadInputError where it never can."""
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
