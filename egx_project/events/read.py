"""Reading events by number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from egx_project.events.models import Event, EventCounter
from egx_project.events.record import COUNTER


@dataclass(frozen=True)
class Page:
    events: tuple[Event, ...]
    last: int
    """The newest number there is, or the newest in `events` where the page is full."""
    reset: bool
    """The reader asked for numbers that are no longer kept: it needs a fresh snapshot."""

    def as_json(self) -> dict[str, Any]:
        return {"items": [as_json(event) for event in self.events], "last": self.last, "reset": self.reset}


def as_json(event: Event) -> dict[str, Any]:
    return {
        "number": event.number,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "subject": event.subject,
        "operation": event.operation,
        "data": event.data,
    }


def last_number() -> int:
    return EventCounter.objects.filter(pk=COUNTER).values_list("last", flat=True).first() or 0


def since(number: int | None, *, operation: int | None = None, limit: int = 500) -> Page:
    """The events after `number`, oldest first, at most `limit`; without a number, the newest ones."""
    counter = EventCounter.objects.filter(pk=COUNTER).first()
    last, first_kept = (counter.last, counter.first_kept) if counter else (0, 1)
    found = Event.objects.filter(number__lte=last)
    if operation is not None:
        found = found.filter(operation=operation)
    if number is None:
        newest = tuple(found.order_by("-number")[:limit])
        return Page(events=newest[::-1], last=last, reset=False)
    found = found.filter(number__gt=number)
    events = tuple(found[:limit])
    # A number of the future comes from a database that was restored or replaced: start over.
    reset = number + 1 < first_kept or number > last
    return Page(events=events, last=events[-1].number if len(events) == limit else last, reset=reset)
