"""What became of a gateway: operations, backups and events in one line, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Cast

from deployments.models import Operation
from egx_project.events.kinds import EventKind
from egx_project.events.models import Event
from gateways.models import Gateway
from monitoring import words
from monitoring.selectors import took
from updates.models import Backup, BackupState

ENTRIES_A_PAGE = 50
TOLD = (
    EventKind.GATEWAY_CREATED,
    EventKind.GATEWAY_CHANGED,
    EventKind.GATEWAY_REMOVED,
    EventKind.UPDATE_AVAILABLE,
    EventKind.POLICY_CHANGED,
    EventKind.SOAK_BEGUN,
    EventKind.SOAK_JUDGED,
    EventKind.SOAK_OVER,
    EventKind.BACKUP_REMOVED,
    EventKind.BACKUP_DRILLED,
    EventKind.ENGINE_REVIVED,
    EventKind.REVISION_RETIRED,
)
"""The events that are told by themselves: operations and backups are there as what they became."""


@dataclass(frozen=True)
class Entry:
    """One of operation, backup and event."""

    at: datetime
    operation: Operation | None = None
    backup: Backup | None = None
    event: Event | None = None

    @property
    def what(self) -> str:
        return "operation" if self.operation else "backup" if self.backup else "event"

    @property
    def took(self) -> str:
        return took(self.operation) if self.operation else ""

    @property
    def text(self) -> str:
        return words.event(self.event.kind, self.event.data) if self.event else ""

    @property
    def may_be_restored(self) -> bool:
        return self.backup is not None and self.backup.state == BackupState.GOOD


Row = dict[str, Any]
"""`what` it is, its `moment`, and its `row`'s key."""


def page_of(gateway: Gateway, number: int) -> tuple[Page[Row], list[Entry]]:
    """In a constant number of queries: which rows are on the page, and then those of each kind."""
    operations = Operation.objects.filter(gateway_name=gateway.place)
    backups = Backup.objects.filter(gateway_name=gateway.place)
    events = Event.objects.filter(subject=f"gateway/{gateway.place}", kind__in=TOLD)
    lines = _lines(operations, "operation", "created_at").union(
        _lines(backups, "backup", "created_at"), _lines(events, "event", "at"), all=True
    )
    page = Paginator(lines.order_by("-moment", "-what", "-row"), ENTRIES_A_PAGE).get_page(number)
    return page, _entries(page.object_list)


def _lines(rows: QuerySet[Any], what: str, moment: str) -> QuerySet[Any, Row]:
    found: QuerySet[Any, Row] = (
        rows.order_by()
        .annotate(
            what=Value(what, output_field=CharField()),
            moment=F(moment),
            row=Cast("pk", CharField(max_length=40)),
        )
        .values("what", "moment", "row")
    )
    return found


def _entries(rows: Iterable[Row]) -> list[Entry]:
    lines = list(rows)
    wanted: dict[str, list[str]] = {"operation": [], "backup": [], "event": []}
    for line in lines:
        wanted[line["what"]].append(line["row"])
    operations = {str(row.pk): row for row in Operation.objects.filter(pk__in=wanted["operation"])}
    backups = {row.pk: row for row in Backup.objects.filter(pk__in=wanted["backup"])}
    events = {str(row.pk): row for row in Event.objects.filter(pk__in=wanted["event"])}
    return [
        Entry(
            at=line["moment"],
            operation=operations.get(line["row"]) if line["what"] == "operation" else None,
            backup=backups.get(line["row"]) if line["what"] == "backup" else None,
            event=events.get(line["row"]) if line["what"] == "event" else None,
        )
        for line in lines
    ]
