"""A gateway's history: operations, backups and events, newest first."""

from __future__ import annotations

from html import unescape
from http import HTTPStatus

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments.models import Operation, OperationKind
from egx_project.access.roles import Role
from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from gateways.models import Gateway
from monitoring.history import ENTRIES_A_PAGE, Entry, page_of
from tests import builders
from tests.monitoring.visitors import visitor
from updates.models import Backup
from updates.services import backups

pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway() -> Gateway:
    return builders.serve_gateway(target=builders.fake_target())


@pytest.fixture
def viewer() -> Client:
    return visitor(Role.VIEWER)


def history_of(client: Client, page: int = 1) -> str:
    answer = client.get(f"/gateways/default/web/history?page={page}")
    assert answer.status_code == HTTPStatus.OK
    return unescape(answer.content.decode())


def told(gateway: Gateway) -> list[str]:
    """What each entry of the first page is, newest first."""
    return [name_of(entry) for entry in page_of(gateway, 1)[1]]


def name_of(entry: Entry) -> str:
    if entry.operation:
        return entry.operation.kind
    if entry.backup:
        return entry.backup.reason
    assert entry.event
    return entry.event.kind


def test_operations_backups_and_events_are_one_line_newest_first(gateway: Gateway) -> None:
    backups.back_up(gateway=gateway, by="tester", reason="by hand")
    builders.set_policy(gateway, mode="auto")
    builders.carry_out(builders.ask_update(gateway))
    found = told(gateway)
    wanted = ["soak.begun", "before the update to 1.41.0", "update", "policy.changed", "by hand", "deploy"]
    assert [entry for entry in found if entry in wanted] == wanted
    assert not any(entry.startswith(("operation.", "backup.made")) for entry in found)


def test_another_gateways_history_is_its_own(gateway: Gateway) -> None:
    text = builders.gateway_yaml("other", ports=(9001,))
    other = builders.serve_gateway(target=gateway.target, text=text)
    before = told(gateway)
    backups.back_up(gateway=other, by="tester", reason="theirs")
    assert told(gateway) == before
    assert "theirs" in told(other)


def test_events_are_told_in_words(viewer: Client, gateway: Gateway) -> None:
    builders.set_policy(gateway, mode="auto")
    place = f"gateway/{gateway.place}"
    record(EventKind.UPDATE_AVAILABLE, place, version="1.41.0", current="1.40.0")
    record(EventKind.SOAK_JUDGED, place, verdict="failed", reason="p99 is 900 ms")
    record(EventKind.ENGINE_REVIVED, place, unit="blue")
    page = history_of(viewer)
    for said in ("updates are on auto, says tester", "Envoy 1.41.0 is there; 1.40.0 serves",
                 "failed: p99 is 900 ms", "blue was started again"):  # fmt: skip
        assert said in page


def test_only_a_good_backup_can_be_restored(gateway: Gateway) -> None:
    key = backups.back_up(gateway=gateway, by="tester").key
    operator = visitor(Role.OPERATOR)
    assert f"/backups/{key}/restore" in history_of(operator)
    Backup.objects.update(state="damaged", problem="a byte is another")
    page = history_of(operator)
    assert f"/backups/{key}/restore" not in page
    assert "a byte is another" in page


def test_it_costs_a_constant_number_of_queries_and_has_pages(viewer: Client, gateway: Gateway) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            history_of(viewer)
        return len(counted)

    backups.back_up(gateway=gateway, by="tester")
    history_of(viewer)
    few = queries()
    for number in range(ENTRIES_A_PAGE):
        record(EventKind.ENGINE_REVIVED, f"gateway/{gateway.place}", unit=f"unit-{number}", reason="x")
    assert queries() <= few  # and fewer, where a page has nothing of a kind
    first, second = history_of(viewer), history_of(viewer, 2)
    assert first.count("<li data-what=") == ENTRIES_A_PAGE
    assert "Page 2 of 2" in second
    assert "deploy</a>" not in first
    assert "deploy</a>" in second
    assert 'data-view="history/' in first
    assert "data-view" not in second


def test_what_happened_before_a_removal_is_still_told_of_the_next_of_that_name(gateway: Gateway) -> None:
    Operation.objects.update(gateway=None)
    assert OperationKind.DEPLOY in told(gateway)
