"""Containers' labels, followed where the setting says so."""

from __future__ import annotations

import structlog
from django.conf import settings

from deployments import exposing
from deployments.drivers.joining import ContainerDriver
from deployments.tasks import driver_of
from egx_project.lib.clock import SystemClock
from egx_project.lib.errors import EgxError
from gateways.models import Target, TargetKind

log = structlog.get_logger(__name__)

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
        return exposing.follow_labels(target)
    except EgxError as error:  # Docker does not answer
        return [str(error)]


follow = Follower().follow
