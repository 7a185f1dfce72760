"""After a restore of the whole instance: what runs comes in line with the rows again."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from deployments.drivers.base import Driver, Engine, Observation, Scope
from deployments.models import ACTIVE, Operation, OperationState, Slot, SlotState
from deployments.services import request_change
from deployments.tasks import driver_of
from deployments.tending import tend
from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from egx_project.lib.clock import SystemClock, wait_for
from egx_project.lib.errors import EgxError
from gateways.models import Gateway, Target, TargetKind
from gateways.services import set_engine_version
from updates.channels.registry import usual
from updates.instance.writing import SUBJECT
from updates.models import Soak
from updates.services import backups, changes

BY = "restore"
_KEY = re.compile(r"gw[1-9][0-9]*")
_NEWEST = 2**62
"""A fence above all others: nobody will ever do anything more to a gateway that has no row."""


def settle(*, backup: str, kept: str) -> None:
    """Bring what runs in line with the database of this backup. It may be repeated; nothing else works meanwhile.

    What serves goes on serving: it is configured as the rows say. What the rows do not have is stopped.
    """
    _stop_strangers()
    tend()
    seen = {gateway.pk: _observe(gateway) for gateway in Gateway.objects.select_related("target")}
    with transaction.atomic():
        _end_what_was_under_way(backup)
        for gateway in Gateway.objects.select_related("target"):
            _take_over(gateway, seen[gateway.pk])
        record(EventKind.INSTANCE_RESTORED, SUBJECT, backup=backup, kept=Path(kept).name)
    backups.recatalogue()


def _stop_strangers() -> None:
    """Gateways that this host runs and the rows do not have: made after the backup."""
    target = Target.objects.filter(kind=TargetKind.PROCESS, node=settings.EGX_NODE).first()
    if target is None:
        return
    known = {gateway.key for gateway in Gateway.objects.all()}
    for key in _running_keys() - known:
        scope = Scope(key=key, fence=_NEWEST, realm="lifecycle")
        driver = driver_of(target)
        driver.fence(scope)
        driver.destroy(scope)


def _running_keys() -> set[str]:
    run = settings.EGX_DATA_DIR / "run"
    return {path.name for path in run.iterdir() if _KEY.fullmatch(path.name)} if run.is_dir() else set()


def _observe(gateway: Gateway) -> Observation | None:
    """What runs of the gateway, once it answers; None where nothing can be said."""
    driver = driver_of(gateway.target)
    if gateway.target.node not in {"", settings.EGX_NODE}:
        return None
    try:
        wait_for(
            lambda: _answers(driver, gateway.key) or None, clock=SystemClock(), seconds=settings.EGX_HEALTHY_SECONDS
        )
        return driver.observe(gateway.key)
    except EgxError:
        return None


def _answers(driver: Driver, key: str) -> bool:
    observed = driver.observe(key)
    return all(observed.slots[name].ready for name in observed.live)


def _end_what_was_under_way(backup: str) -> None:
    """An operation's journal tells of a world that is gone: what is desired is asked for anew instead."""
    now = timezone.now()
    for operation in Operation.objects.filter(state__in=ACTIVE):
        error = f"it was under way when backup {backup} was made, which was restored"
        operation.state, operation.error, operation.finished_at = OperationState.ROLLED_BACK, error, now
        operation.hint, operation.owner = "ask for it again if it is still wanted", ""
        operation.save(update_fields=["state", "error", "hint", "owner", "finished_at"])
        record(
            EventKind.OPERATION_FINISHED,
            operation.subject,
            operation=operation.pk,
            state=operation.state,
            error=error,
        )
    Soak.objects.filter(over_at=None).update(over_at=now)


def _take_over(gateway: Gateway, observed: Observation | None) -> None:
    Slot.objects.filter(gateway=gateway).delete()
    serving = observed.edge.serving if observed else None
    if observed and serving and observed.slots[serving].present:
        for name in observed.live:
            engine = observed.slots[name].engine
            Slot.objects.create(
                gateway=gateway,
                name=name,
                state=SlotState.SERVING if name == serving else SlotState.WARM,
                version=engine.version if engine else "",
                digest=engine.digest if engine else "",
                generation=observed.slots[name].generation,
            )
        engine = observed.slots[serving].engine
        if engine:  # what runs stays: another engine is put in by an update, which loses nothing
            set_engine_version(gateway, engine.version)
        request_change(gateway=gateway, by=BY)
    else:
        request_change(gateway=gateway, by=BY, engine=_engine(gateway))


def _engine(gateway: Gateway) -> Engine:
    artifact, _ = changes.known_of(usual(gateway.target.kind), gateway.engine_version)
    return Engine(version=gateway.engine_version, artifact=artifact)
