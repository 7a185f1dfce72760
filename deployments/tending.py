"""What should run on this node: started again where it died, and what happened to it recorded."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import transaction

from deployments.drivers.base import ContainerNews, Retirement, Revival
from deployments.drivers.registry import DRIVERS
from deployments.tasks import driver_of
from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from egx_project.lib.clock import SystemClock
from gateways.models import Gateway, Target

CONTAINER_EVENTS = {
    "joined": EventKind.CONTAINER_JOINED,
    "left": EventKind.CONTAINER_LEFT,
    "missing": EventKind.CONTAINER_MISSING,
    "stuck": EventKind.CONTAINER_STUCK,
}


def tend(report: Callable[[Revival], None] | None = None) -> int:
    """Start again what died on this node's targets, and record it; how much."""
    count = 0
    for target in Target.objects.filter(node=settings.EGX_NODE, kind__in=DRIVERS):
        for found in driver_of(target).tend():
            if isinstance(found, Retirement):
                _record_retirement(found)
                continue
            if isinstance(found, ContainerNews):
                _record_container(found)
                continue
            count += 1
            _record_revival(found)
            if report:
                report(found)
    return count


def await_death(*, seconds: float) -> None:
    """Return when something that should run on this node's targets has died, or after `seconds`."""
    targets = list(Target.objects.filter(node=settings.EGX_NODE, kind__in=DRIVERS))
    for target in targets:
        driver_of(target).await_death(seconds / len(targets))
    if not targets:
        SystemClock().pause(seconds)


def _subject(key: str, unit: str) -> str:
    pk = key.removeprefix("gw")
    gateway = Gateway.objects.filter(pk=int(pk)).first() if pk.isdigit() else None
    return f"gateway/{gateway.place}" if gateway else f"unit/{unit}"


def _record_retirement(retirement: Retirement) -> None:
    with transaction.atomic():
        record(
            EventKind.REVISION_RETIRED,
            _subject(retirement.key, retirement.unit),
            unit=retirement.unit,
            connections_cut=retirement.cut,
        )


def _record_container(news: ContainerNews) -> None:
    with transaction.atomic():
        record(
            CONTAINER_EVENTS[news.what],
            _subject(news.key, news.container),
            container=news.container,
            reason=news.reason[:300],
        )


def _record_revival(revival: Revival) -> None:
    with transaction.atomic():
        record(
            EventKind.ENGINE_REVIVED,
            _subject(revival.key, revival.unit),
            unit=revival.unit,
            reason=revival.reason[:300],
            failures=revival.failures,
        )
