"""Containers' labels, followed where the setting says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import structlog
from django.conf import settings

from deployments.applying import Outcome
from deployments.drivers.joining import ContainerDriver
from deployments.exposing.changes import expose_by_labels, unexpose
from deployments.exposing.offers import Offer, offers
from deployments.exposing.written import plain
from deployments.tasks import driver_of
from egx_project.lib.clock import SystemClock
from egx_project.lib.errors import EgxError
from gateways.models import Target, TargetKind

log = structlog.get_logger(__name__)

LABELS = "labels"
"""Who asks for what labels ask for."""
AGAIN_SECONDS = 30.0
"""Also where Docker tells of nothing: a gateway may have come, or a path been given up."""


class Follower:
    """Looks when something has happened to containers, and now and then."""

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._next = 0.0

    def follow(self) -> None:
        """For each target of this node; what cannot be done is said once."""
        if settings.EGX_DOCKER_LABELS != "auto":
            return
        now = SystemClock().monotonic()
        due = now >= self._next
        targets = Target.objects.filter(node=settings.EGX_NODE, kind=TargetKind.DOCKER, gateways__isnull=False)
        for target in targets.distinct():
            driver = driver_of(target)
            if isinstance(driver, ContainerDriver) and (driver.news() or due):
                self._say(_followed(target))
                self._next = now + AGAIN_SECONDS

    def _say(self, problems: list[str]) -> None:
        for problem in problems:
            if problem not in self._said:
                log.warning("labels", problem=problem)
        self._said = set(problems)


def _followed(target: Target) -> list[str]:
    try:
        return follow_labels(target)
    except EgxError as error:  # Docker does not answer
        return [str(error)]


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
    wanted = {(plain(route.path), route.host) for route in candidate.routes}
    for found in offer.exposures:
        if found.by_labels and (found.path, found.host) not in wanted and not candidate.problems:
            yield from _tried(partial(unexpose, found.identity, path=found.path, target=target.name, by=LABELS))
    for route in offer.open_routes:
        yield from _tried(partial(expose_by_labels, candidate, route, target, by=LABELS))


def _tried(change: Callable[[], Outcome]) -> Iterable[EgxError]:
    try:
        change()
    except EgxError as error:
        yield error


follow = Follower().follow
