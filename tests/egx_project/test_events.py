"""Reading events by number, and without one."""

from __future__ import annotations

import pytest
from django.db import transaction

from egx_project.events.kinds import EventKind
from egx_project.events.read import since
from egx_project.events.record import record

pytestmark = pytest.mark.django_db


def _happen(count: int, *, operation: int | None = None) -> None:
    with transaction.atomic():
        for _ in range(count):
            record(EventKind.GATEWAY_CHANGED, "gateway/web", operation=operation)


def test_without_a_number_the_newest_events_are_read_oldest_first() -> None:
    _happen(5)
    page = since(None, limit=3)
    assert [event.number for event in page.events] == [3, 4, 5]
    assert (page.last, page.reset) == (5, False)


def test_without_a_number_the_events_of_an_operation_are_found_behind_any_number_of_others() -> None:
    _happen(2, operation=7)
    _happen(5)
    assert [event.number for event in since(None, operation=7, limit=3).events] == [1, 2]


def test_a_full_page_ends_where_the_next_one_begins() -> None:
    _happen(5)
    first = since(0, limit=3)
    assert [event.number for event in since(first.last, limit=3).events] == [4, 5]
