"""The watch after a switch: judge what the new engine does, go back where it is worse, retire the old one at last."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from deployments.drivers.base import Driver, SlotName, Traffic, TrafficObservation
from deployments.models import OperationKind
from deployments.selectors import active_lifecycle
from deployments.services import queue
from deployments.tasks import driver_of
from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from egx_project.lib.errors import EgxError
from gateways.selectors import snapshot
from updates import numbers, probing
from updates.judging import Evidence, Judgement, Verdict, judge
from updates.models import Mode, Soak, SoakState, UpdatePolicy
from updates.numbers import Numbers
from updates.quarantine import put_in
from updates.services import changes, checks
from updates.services.backups import prune
from updates.services.policies import in_window

log = structlog.get_logger(__name__)

STATES = {Verdict.GOOD: SoakState.PASSED, Verdict.NONE: SoakState.NO_VERDICT, Verdict.BAD: SoakState.FAILED}


def watch(*, now: datetime | None = None) -> int:
    """One look at every soak of this node's targets; how many there are."""
    soaks = list(
        Soak.objects.select_related("gateway__target", "operation").filter(
            over_at=None, gateway__target__node__in=("", settings.EGX_NODE)
        )
    )
    for soak in soaks:
        try:
            _look(soak, now or timezone.now())
        except EgxError as error:  # the runtime is away: the next look finds it
            log.warning("soak not looked at", gateway=soak.gateway.name, reason=str(error))
    return len(soaks)


def _look(soak: Soak, now: datetime) -> None:
    if active_lifecycle(soak.gateway):  # it has the slots in hand, and may be what ends this soak
        return
    driver = driver_of(soak.gateway.target)
    if soak.state == SoakState.WATCHING:
        _judge(soak, driver, now)
    elif _may_retire(soak, driver, now):
        reason = (
            f"traffic is on {soak.new_slot} since {soak.switched_at:%H:%M:%S} UTC, and the old engine is not needed"
        )
        queue(soak.gateway, OperationKind.RETIRE, by="egx", options={"slot": soak.old_slot, "reason": reason})
        prune(soak.gateway)


def _judge(soak: Soak, driver: Driver, now: datetime) -> None:
    traffic = driver.traffic(soak.gateway.key)
    begun = numbers.from_json(soak.since)
    new = SlotName(soak.new_slot)
    seen = numbers.between(begun, traffic, only=new)
    found = judge(_evidence(soak, driver, seen, begun, traffic, now=now), soak.limits)
    with transaction.atomic():
        if found.verdict == Verdict.WAIT:
            Soak.objects.filter(pk=soak.pk, state=SoakState.WATCHING).update(seen=seen.as_json())
            return
        facts = {"state": STATES[found.verdict], "reason": found.reason, "seen": seen.as_json(), "judged_at": now}
        if not Soak.objects.filter(pk=soak.pk, state=SoakState.WATCHING, over_at=None).update(**facts):
            return
        record(
            EventKind.SOAK_JUDGED,
            soak.operation.subject,
            operation=soak.operation.pk,
            verdict=str(STATES[found.verdict]),
            reason=found.reason,
        )
        if found.verdict == Verdict.BAD:
            _answer(soak, found)


def _evidence(
    soak: Soak, driver: Driver, seen: Numbers, begun: TrafficObservation, traffic: TrafficObservation, *, now: datetime
) -> Evidence:
    over = now >= soak.ends_at
    new, old = SlotName(soak.new_slot), SlotName(soak.old_slot)
    life = traffic.slots.get(new, Traffic()).life
    died = bool(life) and life != begun.slots.get(new, Traffic()).life
    suspicious = any(seen.failures.values()) and seen.requests >= soak.limits["requests"]
    worse: list[str] = []
    asked = 0
    if suspicious or (over and seen.requests < soak.limits["requests"]):
        wanted = probing.probes(snapshot(soak.gateway))
        was = probing.answers(driver, soak.gateway.key, old, wanted)
        worse = probing.worse(was, probing.answers(driver, soak.gateway.key, new, wanted))
        asked = sum(status > 0 for status in was.values())
    return Evidence(before=soak.baseline, since=seen, restarts=int(died), worse_probes=worse, probes=asked, over=over)


def _answer(soak: Soak, found: Judgement) -> None:
    """A bad soak: the version is put away, and where the policy says so, the old engine serves again."""
    put_in(
        channel=soak.channel,
        version=soak.new_version,
        digest=soak.new_digest,
        reason=f"soak: {found.reason}",
        operation=soak.operation.pk,
    )
    if soak.limits["rollback"]:
        changes.request_rollback(gateway=soak.gateway, by="egx", reason=f"the soak is bad: {found.reason}")


def _may_retire(soak: Soak, driver: Driver, now: datetime) -> bool:
    """Whether nobody needs the old slot any more. One that a bad soak could not leave stays for people to see."""
    if soak.state == SoakState.FAILED or now < max(soak.warm_until, soak.ends_at):
        return False
    traffic = driver.traffic(soak.gateway.key).slots.get(SlotName(soak.old_slot), Traffic())
    return traffic.connections == 0 or (soak.drain_until is not None and now >= soak.drain_until)


def update_by_policy(*, now: datetime | None = None) -> int:
    """Ask for the updates that policies want to happen by themselves; how many."""
    now, count = now or timezone.now(), 0
    for policy in UpdatePolicy.objects.select_related("gateway__target").filter(mode=Mode.AUTO):
        version = _due(policy, now)
        if version:
            try:
                changes.request_update(gateway=policy.gateway, by="policy", version=version)
                count += 1
            except EgxError as error:
                log.info("no update by policy", gateway=policy.gateway.name, reason=str(error))
    return count


def _due(policy: UpdatePolicy, now: datetime) -> str:
    """The newest version that has been out for long enough, inside the window, while nothing else is going on."""
    busy = active_lifecycle(policy.gateway) or Soak.objects.filter(gateway=policy.gateway, over_at=None).exists()
    if busy or not in_window(policy, now):
        return ""
    info = checks.update_info(policy.gateway, before=now - timedelta(hours=policy.cool_down_hours))
    return info.latest.version if info.upgrade_available and info.latest else ""
