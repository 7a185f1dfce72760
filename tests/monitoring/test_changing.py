"""Updates, rollbacks and restores on pages: the plan first, then exactly that; and what became of them."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from http import HTTPStatus

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments import services
from deployments.models import Operation, OperationKind
from egx_project.access.roles import Role
from gateways.models import Gateway
from tests import builders
from tests.monitoring.visitors import visitor
from updates.models import ChannelCheck, Release, Soak, SoakState
from updates.services import backups

pytestmark = pytest.mark.django_db

HOSTILE = '"><script>alert(1)</script>'
WEB = "/gateways/default/web"
PLANNED = re.compile(r'name="planned" value="([0-9a-f]{64})"')
NEWEST = "1.41.0"


@pytest.fixture
def gateway() -> Gateway:
    gateway = builders.serve_gateway(target=builders.fake_target())
    builders.offer(NEWEST, notes_url="https://example.com/notes")
    return gateway


@pytest.fixture
def operator() -> Client:
    return visitor(Role.OPERATOR)


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == HTTPStatus.OK, path
    return unescape(answer.content.decode())


def agree(client: Client, path: str, **form: str) -> str:
    """Read the plan and say yes to it; where that leads to."""
    page = text_of(client, path)
    found = PLANNED.search(page)
    assert found, page
    answer = client.post(path.partition("?")[0], {"planned": found[1], **form})
    assert answer.status_code == HTTPStatus.FOUND, unescape(answer.content.decode())
    return answer["location"]


def updated(gateway: Gateway) -> Operation:
    return builders.carry_out(builders.ask_update(gateway, NEWEST))


# --- an update ------------------------------------------------------------------------------------------------------


def test_a_gateway_that_could_be_newer_says_so_and_leads_to_the_plan(operator: Client, gateway: Gateway) -> None:
    for path in ("/", WEB):
        page = text_of(operator, path)
        assert f"{NEWEST} is there" in page
        assert f'href="{WEB}/update"' in page
    builders.set_policy(gateway, mode="off")
    for path in ("/", WEB):
        assert f"{NEWEST} is there" not in text_of(operator, path)


def test_the_badges_of_many_gateways_cost_what_that_of_one_does(operator: Client, gateway: Gateway) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            text_of(operator, "/")
        return len(counted)

    operator.get("/")
    few = queries()
    for number in range(4):
        text = builders.gateway_yaml(f"g{number}", ports=(9100 + number,))
        other = builders.serve_gateway(target=gateway.target, text=text)
        builders.set_policy(other, versions="<2")
    assert queries() == few
    assert text_of(operator, "/").count(f"{NEWEST} is there") == 5


def test_the_update_page_plans_the_newest_with_causes_and_what_to_know(operator: Client, gateway: Gateway) -> None:
    page = text_of(operator, f"{WEB}/update")
    for said in ("switch_traffic", "everything can be had back as it was", "runs on for 300 s",
                 "longer than 60 s after the switch are cut", "https://example.com/notes"):  # fmt: skip
        assert said in page
    assert f'<option value="{NEWEST}" selected>' in page
    assert not Operation.objects.filter(kind=OperationKind.UPDATE).exists()


def test_agreeing_asks_for_the_update_and_leads_to_its_page(operator: Client, gateway: Gateway) -> None:
    location = agree(operator, f"{WEB}/update", to=NEWEST)
    asked = Operation.objects.get(kind=OperationKind.UPDATE)
    assert location == f"/operations/{asked.pk}"
    assert (asked.options["version"], asked.requested_by) == (NEWEST, "the-operator")


def test_another_version_is_chosen_and_an_older_one_says_that_it_is(operator: Client, gateway: Gateway) -> None:
    builders.offer("1.39.3")
    page = text_of(operator, f"{WEB}/update?to=1.39.3")
    assert "1.39.3: older than" in page
    agree(operator, f"{WEB}/update?to=1.39.3", to="1.39.3")
    assert Operation.objects.get(kind=OperationKind.UPDATE).options["version"] == "1.39.3"


@pytest.mark.parametrize("planned", ["", "0" * 64])
def test_what_was_not_planned_is_not_done_and_the_plan_is_shown_again(
    planned: str, operator: Client, gateway: Gateway
) -> None:
    answer = operator.post(f"{WEB}/update", {"to": NEWEST, "planned": planned})
    page = unescape(answer.content.decode())
    assert "is not what was planned" in page
    assert PLANNED.search(page)
    assert not Operation.objects.filter(kind=OperationKind.UPDATE).exists()


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("9.9.9", "another major version"),
        ("1.40.77", "channel envoy has no 1.40.77"),
        ("1.44.0", "the policy allows 2 at once"),
    ],
)
def test_a_version_that_may_not_follow_is_refused_in_words(
    version: str, said: str, operator: Client, gateway: Gateway
) -> None:
    page = text_of(operator, f"{WEB}/update?to={version}")
    assert said in page
    assert not PLANNED.search(page)
    assert said in unescape(operator.post(f"{WEB}/update", {"to": version, "planned": "0"}).content.decode())


def test_without_anything_newer_the_page_says_so(operator: Client, gateway: Gateway) -> None:
    Release.objects.all().delete()
    assert "No other version is known" in text_of(operator, f"{WEB}/update")
    builders.offer("1.39.3")
    ChannelCheck.objects.update(problem="the index does not answer")
    page = text_of(operator, f"{WEB}/update")
    assert "no newer version that its policy allows" in page
    assert "the index does not answer" in page


def test_a_viewer_reads_every_plan_and_agrees_to_none(gateway: Gateway) -> None:
    updated(gateway)
    key = backups.back_up(gateway=gateway, by="tester").key
    builders.offer("1.41.1")
    browser, operations = visitor(Role.VIEWER), Operation.objects.count()
    for path in (f"{WEB}/update", f"{WEB}/rollback", f"/backups/{key}/restore"):
        page = text_of(browser, path)
        assert '<ol class="steps">' in page
        assert not PLANNED.search(page)
        assert browser.post(path, {"planned": "0"}).status_code == HTTPStatus.FORBIDDEN
    assert f'href="{WEB}/rollback"' not in text_of(browser, WEB)
    assert "Restore…" not in text_of(browser, f"{WEB}/history")
    assert Operation.objects.count() == operations


# --- a rollback and a restore ---------------------------------------------------------------------------------------


def test_a_rollback_is_offered_where_something_was_before(operator: Client, gateway: Gateway) -> None:
    assert f'href="{WEB}/rollback"' not in text_of(operator, WEB)
    assert "has had no other engine" in text_of(operator, f"{WEB}/rollback")
    updated(gateway)
    assert f'href="{WEB}/rollback"' in text_of(operator, WEB)
    assert "is still warm" in text_of(operator, f"{WEB}/rollback")
    agree(operator, f"{WEB}/rollback")
    assert Operation.objects.get(kind=OperationKind.ROLLBACK).requested_by == "the-operator"


def test_a_backup_is_restored_from_the_history_once_its_plan_is_agreed_to(operator: Client, gateway: Gateway) -> None:
    key = backups.back_up(gateway=gateway, by="tester", reason="before the storm").key
    page = text_of(operator, f"{WEB}/history")
    assert "before the storm" in page
    assert f'href="/backups/{key}/restore"' in page
    assert "restore_desired" in text_of(operator, f"/backups/{key}/restore")
    agree(operator, f"/backups/{key}/restore")
    assert Operation.objects.get(kind=OperationKind.RESTORE).options["restore"] == key


def test_a_gateway_that_is_gone_is_made_anew_from_its_backup(operator: Client, gateway: Gateway) -> None:
    key = backups.back_up(gateway=gateway, by="tester").key
    builders.carry_out(services.request_remove(gateway=gateway, by="tester"))
    assert "it is made anew" in text_of(operator, f"/backups/{key}/restore")
    assert not Gateway.objects.exists()
    agree(operator, f"/backups/{key}/restore")
    assert Gateway.objects.get().name == "web"


# --- what became of it ----------------------------------------------------------------------------------------------


def test_an_updates_page_has_the_numbers_before_and_after(operator: Client, gateway: Gateway) -> None:
    operation = updated(gateway)
    seen = {"requests": 93, "failed_requests": 2, "failures": {"UF": 2, "NR": 5}, "p50_ms": 0.0, "p99_ms": 7.5}
    Operation.objects.filter(pk=operation.pk).update(
        result={**operation.result, "before": seen, "websockets_left": 3, "backup_id": "bk-1"}
    )
    Soak.objects.update(seen={**seen, "requests": 4711})
    page = text_of(operator, f"/operations/{operation.pk}")
    for said in ("before", "since then", "93", "4711", "NR 5, UF 2", "7.5 ms", "< 1 ms", "WebSockets left", "bk-1"):
        assert said in page


def test_an_operation_that_measured_nothing_says_nothing_of_it(operator: Client, gateway: Gateway) -> None:
    assert "What clients got" not in text_of(operator, f"/operations/{Operation.objects.get().pk}")


def test_a_gateway_shows_its_watch_until_it_is_over(operator: Client, gateway: Gateway) -> None:
    updated(gateway)
    soak = Soak.objects.get()
    Soak.objects.update(seen={"requests": 4711})
    page = text_of(operator, WEB)
    assert 'data-state="watching"' in page
    assert "4711" in page
    assert f"{soak.ends_at:%H:%M:%S} UTC" in page
    assert 'hx-trigger="every 5s"' in page
    Soak.objects.update(state=SoakState.FAILED, reason="p99 is 900 ms")
    page = text_of(operator, WEB)
    assert "p99 is 900 ms" in page
    assert "every 5s" not in page
    Soak.objects.update(over_at=soak.ends_at + timedelta(seconds=1))
    assert "Since the switch" not in text_of(operator, WEB)


def test_what_releases_soaks_and_backups_hold_is_text(operator: Client, gateway: Gateway) -> None:
    operation = updated(gateway)
    key = backups.back_up(gateway=gateway, by="tester", reason=HOSTILE).key
    Release.objects.update(version=HOSTILE[:40])
    hostile = {HOSTILE: 1, "failures": {HOSTILE: 1}, "p99_ms": HOSTILE, "requests": HOSTILE}
    Soak.objects.update(reason=HOSTILE, seen=hostile, baseline=hostile, new_version=HOSTILE[:40])
    Operation.objects.update(result={"before": hostile, "from": HOSTILE, "to": HOSTILE, "backup_id": HOSTILE})
    builders.set_policy(gateway, mode="notify")
    for path in (WEB, f"{WEB}/history", f"{WEB}/update?to=%3Cscript%3Ealert(1)", f"/operations/{operation.pk}",
                 f"/backups/{key}/restore", f"{WEB}/rollback", "/"):  # fmt: skip
        assert "<script>alert" not in operator.get(path).content.decode(), path
