"""Writing events."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from egx_project.events import wake
from egx_project.events.kinds import EventKind
from egx_project.events.models import Event, EventCounter

COUNTER = 1


def record(kind: EventKind, subject: str, *, operation: int | None = None, **data: Any) -> Event:
    """Number and write a fact in the caller's transaction; readers are woken after it commits.

    `data` is JSON. Raises RuntimeError outside a transaction: a fact stands or falls with the change it tells of.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(f"event {kind} recorded outside the transaction that makes it true")
    event = Event.objects.create(
        number=_next_number(), at=timezone.now(), kind=kind, subject=subject, operation=operation, data=data
    )
    transaction.on_commit(wake.everyone)
    return event


def _next_number() -> int:
    """The next number; the counter's row stays locked until this transaction ends."""
    counters = EventCounter.objects.filter(pk=COUNTER)
    if not counters.update(last=F("last") + 1):
        EventCounter.objects.get_or_create(pk=COUNTER)
        counters.update(last=F("last") + 1)
    return EventCounter.objects.values_list("last", flat=True).get(pk=COUNTER)


def prune(*, keep: int) -> int:
    """Delete all but the newest `keep` events; the count of deleted ones."""
    with transaction.atomic():
        EventCounter.objects.get_or_create(pk=COUNTER)
        counter = EventCounter.objects.select_for_update().get(pk=COUNTER)
        first_kept = max(counter.first_kept, counter.last - keep + 1)
        EventCounter.objects.filter(pk=COUNTER).update(first_kept=first_kept)
        return Event.objects.filter(number__lt=first_kept).delete()[0]
