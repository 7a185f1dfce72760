"""What waits for a worker."""

from __future__ import annotations

import functools

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, Q

from deployments.engine.claims import is_free
from deployments.models import ACTIVE, CONFIGURATION, LIFECYCLE, Operation, Slot, SlotState


def runnable(*, everywhere: bool = False) -> list[Operation]:
    """Operations that wait for a worker of this node, or of any, oldest first.

    A configuration waits while its gateway has no slot that serves and a deployment is on its way: that one takes it.
    """
    if not _is_anything_active():
        return []
    here = Q() if everywhere else Q(target__node="") | Q(target__node=settings.EGX_NODE)
    lifecycle = Operation.objects.filter(gateway=OuterRef("gateway"), kind__in=LIFECYCLE, state__in=ACTIVE)
    serving = Slot.objects.filter(gateway=OuterRef("gateway"), state=SlotState.SERVING)
    too_early = Q(kind__in=CONFIGURATION) & Exists(lifecycle) & ~Exists(serving)
    waiting = Operation.objects.select_related("target").filter(here, state__in=ACTIVE)
    return [operation for operation in waiting.exclude(too_early).order_by("pk") if is_free(operation)]


def _is_anything_active() -> bool:
    """Asked several times a second for days, so the query is written once."""
    sql, params = _one_active()
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchone() is not None


@functools.cache
def _one_active() -> tuple[str, tuple[str, ...]]:
    sql, params = Operation.objects.filter(state__in=ACTIVE).order_by().values("pk")[:1].query.sql_with_params()
    return sql, tuple(params)
