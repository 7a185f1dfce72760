"""Support services of targets: switching them on and off, and bringing what is there to that.

The row is the truth. Whoever carries it out (`converge`) does so again and again until both agree, so that losing a
wake-up, a worker or the Engine costs time alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from deployments.drivers.supporting import MEANINGS, ServiceName, ServiceObservation
from deployments.models import ServiceState, SupportService
from deployments.models.support import SETTLED
from deployments.tasks import supporter_of
from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from egx_project.lib.errors import BadInputError, EgxError, NotFoundError
from gateways.models import Target, TargetKind
from gateways.selectors import find_target

KINDS = (TargetKind.DOCKER,)
"""Of targets that have support services."""
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=2)
MOST_DOUBLINGS = 10


@dataclass(frozen=True)
class Service:
    """A support service as it is shown: what is wanted, and what is there."""

    target: Target
    name: ServiceName
    row: SupportService
    observed: ServiceObservation | None
    """None where that cannot be seen from here, or there is nothing to see."""

    @property
    def meaning(self) -> str:
        return MEANINGS[self.name]

    @property
    def link(self) -> str:
        """Where a browser on this host finds it; empty where it is none for browsers."""
        address = self.observed.address if self.observed else ""
        return address if address.startswith("http://") else ""

    @property
    def problem(self) -> str:
        return self.row.problem or (self.observed.problem if self.observed and self.row.wanted else "")


def switch(*, target: str, name: str, on: bool, by: str) -> Service:
    """Switch a service on or off; the same again tries again. Raises NotFoundError and BadInputError."""
    place, service = _target(target), service_name(name)
    with transaction.atomic():
        SupportService.objects.get_or_create(target=place, name=service)
        row = SupportService.objects.select_for_update().get(target=place, name=service)
        if row.wanted != on or row.state != (ServiceState.ON if on else ServiceState.OFF):
            row.wanted, row.state = on, ServiceState.STARTING if on else ServiceState.STOPPING
            row.wish += 1
            row.problem, row.hint, row.failures, row.not_before, row.by = "", "", 0, None, by
            row.save()
            _tell(row)
    return Service(target=place, name=service, row=row, observed=None)


def services(*, target: str = "", look: bool = True) -> list[Service]:
    """All of them, of one target or of every one. With `look` the runtime is asked what is there."""
    places = [_target(target)] if target else list(Target.objects.filter(kind__in=KINDS).order_by("name"))
    rows = {(row.target_id, row.name): row for row in SupportService.objects.filter(target__in=places)}
    found = []
    for place in places:
        own = {name: rows.get((place.pk, name)) or SupportService(target=place, name=name) for name in ServiceName}
        observed = _observed(place, own.values()) if look else {}
        found += [Service(target=place, name=name, row=row, observed=observed.get(name)) for name, row in own.items()]
    return found


def find_service(*, target: str, name: str) -> Service:
    """Raises NotFoundError and BadInputError."""
    wanted = service_name(name)
    return next(one for one in services(target=target) if one.name == wanted)


def converge(*, anew: bool = False) -> float | None:
    """Bring what is on this node's targets to what the rows say. Seconds until something is to be tried again.

    With `anew`, also what is settled is looked at: settings may be others now, and rows may come from a backup.
    """
    for row in _rows(anew=anew):
        _bring(row, newest=not anew and row.state == ServiceState.STARTING)
    waiting = SupportService.objects.filter(target__node=settings.EGX_NODE, not_before__isnull=False)
    moments = list(waiting.exclude(state__in=SETTLED).values_list("not_before", flat=True))
    soonest = min((one for one in moments if one), default=None)
    return None if soonest is None else max(0.1, (soonest - timezone.now()).total_seconds())


def run_agents() -> None:
    """Have the log agents of this node's targets in this process, where no other one has them."""
    wanted = set(
        SupportService.objects.filter(name=ServiceName.LOG_AGENT, wanted=True).values_list("target_id", flat=True)
    )
    for target in Target.objects.filter(kind__in=KINDS, node=settings.EGX_NODE):
        supporter_of(target).run_agent(wanted=target.pk in wanted)


def _rows(*, anew: bool) -> list[SupportService]:
    found = SupportService.objects.select_related("target").filter(target__node=settings.EGX_NODE)
    now = timezone.now()
    due = [row for row in found if row.state not in SETTLED and (row.not_before is None or row.not_before <= now)]
    if not anew:
        return due
    return due + [row for row in found if row.wanted and row.state in SETTLED] + _strays()


def _strays() -> list[SupportService]:
    """What runs here, and no row wants: rows that never were, by now."""
    found = []
    for target in Target.objects.filter(kind__in=KINDS, node=settings.EGX_NODE):
        for name in supporter_of(target).meant():
            if not SupportService.objects.filter(target=target, name=name, wanted=True).exists():
                row, _made = SupportService.objects.get_or_create(target=target, name=name)
                found.append(row)
    return found


def _bring(row: SupportService, *, newest: bool) -> None:
    name = ServiceName(row.name)
    try:
        supporter = supporter_of(row.target)
        if row.wanted:
            supporter.start(name, newest=newest)
        else:
            supporter.stop(name)
    except EgxError as error:
        _settle(row, ServiceState.FAILED, error)
    else:
        _settle(row, ServiceState.ON if row.wanted else ServiceState.OFF)


def _settle(row: SupportService, state: ServiceState, error: EgxError | None = None) -> None:
    """Write what came of it, unless there is another wish by now."""
    failures = row.failures + 1 if error else 0
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(row.failures, MOST_DOUBLINGS))
    with transaction.atomic():
        written = SupportService.objects.filter(pk=row.pk, wish=row.wish).update(
            state=state,
            problem=error.message[:1000] if error else "",
            hint=error.hint[:1000] if error else "",
            failures=failures,
            not_before=timezone.now() + pause if error else None,
        )
        fresh = SupportService.objects.select_related("target").get(pk=row.pk)
        if written and (fresh.state, fresh.problem) != (row.state, row.problem):
            _tell(fresh)


def _observed(target: Target, rows: Iterable[SupportService]) -> Mapping[ServiceName, ServiceObservation]:
    if target.node != settings.EGX_NODE or not any(row.wanted for row in rows):
        return {}
    try:
        return supporter_of(target).observe()
    except EgxError as error:  # it is down; the rows still say what is wanted
        return {ServiceName(row.name): ServiceObservation(problem=error.message) for row in rows if row.wanted}


def _tell(row: SupportService) -> None:
    record(
        EventKind.SERVICE_CHANGED,
        f"service/{row.target.name}/{row.name}",
        wanted=row.wanted,
        state=row.state,
        problem=row.problem,
        by=row.by,
    )


def _target(name: str) -> Target:
    target = find_target(name)
    if target.kind not in KINDS:
        raise BadInputError(
            f"target {name} is of kind {target.kind}, which has no support services", hint="docker targets have"
        )
    return target


def service_name(name: str) -> ServiceName:
    """Raises NotFoundError."""
    try:
        return ServiceName(name)
    except ValueError:
        raise NotFoundError(
            f"there is no support service {name[:100]!r}", hint=f"there are {', '.join(ServiceName)}"
        ) from None
