"""Pages: who sees what, what buttons do, and that what people write is text."""

from __future__ import annotations

import re
from html import unescape
from http import HTTPStatus
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments import services
from deployments.models import Operation, OperationState
from egx_project.access.roles import Role
from gateways.models import Gateway
from monitoring.selectors import GATEWAYS_A_PAGE
from tests import builders
from tests.monitoring.visitors import visitor

pytestmark = pytest.mark.django_db

HOSTILE = '"><script>alert(1)</script>{{ 7 }}'


@pytest.fixture
def gateway() -> Gateway:
    return builders.serve_gateway(target=builders.fake_target())


@pytest.fixture
def operator() -> Client:
    return visitor(Role.OPERATOR)


def text_of(client: Client, path: str, status: HTTPStatus = HTTPStatus.OK) -> str:
    answer = client.get(path)
    assert answer.status_code == status, path
    return answer.content.decode()


# --- who sees what --------------------------------------------------------------------------------------------------

READING = (
    "/", "/gateways/default/web", "/operations", "/operations/1", "/releases", "/services",
    "/gateways/default/web/history",
    "/gateways/default/web/update", "/gateways/default/web/update?to=1.41.0", "/gateways/default/web/rollback",
    "/containers",
)  # fmt: skip
CHANGING = (
    "/channels/envoy/check", "/releases/envoy/1.41.0/quarantine", "/releases/envoy/1.41.0/lift",
    "/containers/shop-web/expose", "/containers/shop/web/unexpose",
    "/apply", "/gateways/default/web/remove", "/operations/1/cancel", "/operations/1/resume",
)  # fmt: skip


def paths(templates: tuple[str, ...]) -> list[str]:
    return [re.sub(r"/1(?=/|$)", f"/{Operation.objects.get().pk}", template) for template in templates]


def test_strangers_are_sent_to_the_login_and_a_part_of_a_page_reloads_all_of_it(
    client: Client, gateway: Gateway
) -> None:
    for path in paths(READING + CHANGING):
        assert client.get(path)["location"] == f"/login?next={quote(path)}"
    assert client.post("/apply", headers={"HX-Request": "true"})["HX-Refresh"] == "true"


@pytest.mark.parametrize("role", Role)
def test_every_role_reads_and_only_those_that_may_change_see_how(role: Role, gateway: Gateway) -> None:
    browser, may_change = visitor(role), role != Role.VIEWER
    for path in paths(READING):
        page = text_of(browser, path)
        assert ('href="/apply"' in page) == may_change
    for path in paths(CHANGING):
        text_of(browser, path, HTTPStatus.OK if may_change else HTTPStatus.FORBIDDEN)
    assert ("/remove" in text_of(browser, "/gateways/default/web")) == may_change


def test_a_viewer_changes_nothing_by_any_form(gateway: Gateway) -> None:
    browser = visitor(Role.VIEWER)
    operation = services.request_configure(gateway=gateway, by="tester")
    for path in ("/apply", "/gateways/default/web/remove", f"/operations/{operation.pk}/cancel"):
        assert browser.post(path).status_code == HTTPStatus.FORBIDDEN
    operation.refresh_from_db()
    assert (Operation.objects.count(), operation.cancelled_by) == (2, "")


def test_a_form_that_another_site_made_is_refused(gateway: Gateway) -> None:
    browser = visitor(Role.ADMIN)
    browser.handler.enforce_csrf_checks = True
    refused = browser.post("/gateways/default/web/remove")
    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert Operation.objects.count() == 1


@pytest.mark.parametrize(
    "path",
    [
        "/gateways/default/nope",
        "/gateways/x/y/remove",
        "/gateways/x/y/update",
        "/gateways/x/y/rollback",
        "/gateways/x/y/history",
        "/backups/x/restore",
        "/operations/999",
        "/nothing",
    ],
)
def test_what_is_not_there_is_said_on_a_page(path: str, operator: Client) -> None:
    assert "<h2>Not found</h2>" in text_of(operator, path, HTTPStatus.NOT_FOUND)


# --- what is shown --------------------------------------------------------------------------------------------------


def test_an_empty_overview_says_what_to_do_to_those_who_may(operator: Client) -> None:
    assert "egx apply -f" in text_of(operator, "/")
    assert "egx apply -f" not in text_of(visitor(Role.VIEWER), "/")


def test_the_overview_costs_a_constant_number_of_queries_and_pages(operator: Client, gateway: Gateway) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            text_of(operator, "/")
        return len(counted)

    operator.get("/")
    services.request_configure(gateway=gateway, by="tester")
    few = queries()
    many = "".join(f"---\n{builders.gateway_yaml(f'g{n:03}', ports=(10_000 + n,))}" for n in range(GATEWAYS_A_PAGE))
    builders.apply(many, target=gateway.target)
    assert queries() == few
    first, second = text_of(operator, "/"), text_of(operator, "/?page=2")
    assert first.count("<article") == GATEWAYS_A_PAGE
    assert (second.count("<article"), 'data-view="overview/2"' in second) == (1, True)
    assert "Page 2 of 2" in second
    for odd in ("0", "-1", "x", "9" * 5000):
        text_of(operator, f"/?page={odd}")


def test_a_gateways_page_says_in_words_what_it_does(operator: Client, gateway: Gateway) -> None:
    page = text_of(operator, "/gateways/default/web")
    for said in ("http-8080", "/*", "Backend web", "serving", "kind: HTTPRoute", "kind: Backend", "kind: Gateway"):
        assert said in page


def test_a_gateway_that_is_behind_says_why_and_what_to_do(operator: Client, gateway: Gateway) -> None:
    operation = services.request_configure(gateway=gateway, by="tester")
    Operation.objects.filter(pk=operation.pk).update(
        state=OperationState.ROLLED_BACK, error="the engine refused it", hint="read its log"
    )
    Gateway.objects.update(generation=7)
    page = text_of(operator, "/gateways/default/web")
    for said in ("the engine refused it", "read its log", "generation 7 is desired, but 1 serves"):
        assert said in page


def test_an_operations_page_has_its_plan_each_step_with_its_cause_and_its_log(
    operator: Client, gateway: Gateway
) -> None:
    operation = Operation.objects.get()
    page = unescape(text_of(operator, f"/operations/{operation.pk}"))
    assert operation.plan in page
    assert operation.steps.count() > 1
    for step in operation.steps.all():
        assert step.name in page
        assert step.cause in page
    assert "switch_traffic done" in page


def test_the_list_of_operations_is_found_by_gateway_and_state(operator: Client, gateway: Gateway) -> None:
    waiting = services.request_configure(gateway=gateway, by="tester")
    shown = re.compile(r'href="/operations/(\d+)"')
    assert len(shown.findall(text_of(operator, "/operations"))) == 2
    assert shown.findall(text_of(operator, "/operations?state=queued&gateway=web")) == [str(waiting.pk)]
    assert shown.findall(text_of(operator, "/operations?gateway=other")) == []
    assert len(shown.findall(text_of(operator, "/operations?state=nonsense&page=x"))) == 2


def test_what_people_write_is_text(operator: Client, gateway: Gateway) -> None:
    Operation.objects.update(error=HOSTILE, hint=HOSTILE, plan=HOSTILE, requested_by=HOSTILE, gateway_name=HOSTILE)
    Gateway.objects.update(annotations={"a": HOSTILE}, engine_version=HOSTILE[:40])
    gateway.listeners.update(hostname=HOSTILE, name=HOSTILE, protocol=HOSTILE)
    operation = Operation.objects.get()
    operation.steps.update(cause=HOSTILE, error=HOSTILE, result={HOSTILE: HOSTILE})
    for path in (*paths(READING), "/gateways/default/web/remove", "/apply?gateway=default/web"):
        page = text_of(operator, path)
        assert "<script>alert" not in page, path
        assert "}} 7" not in page
    query = "/operations?gateway=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&state=%22%3E%3Cscript%3Ealert(1)"
    assert "<script>alert" not in text_of(operator, query)
    answer = operator.post("/apply", {"do": "plan", "text": f"</textarea>{HOSTILE}", "target": HOSTILE})
    assert "<script>alert" not in answer.content.decode()


def test_no_page_has_script_or_style_of_its_own(operator: Client, gateway: Gateway) -> None:
    for path in (*paths(READING + CHANGING), "/login"):
        page = text_of(operator, path)
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=|javascript:", page), path


# --- what buttons do ------------------------------------------------------------------------------------------------


def test_a_removal_is_asked_about_with_what_it_takes_along_and_then_done(operator: Client, gateway: Gateway) -> None:
    shared = builders.gateway_yaml("other", ports=(9005,)) + builders.route_yaml("both", path="/both").replace(
        "[{name: web}]", "[{name: web}, {name: other}]"
    )
    builders.apply(shared, target=gateway.target)
    asked = text_of(operator, "/gateways/default/web/remove")
    leaving, staying = asked.split("Routes that stay")
    assert "HTTP on port 8080" in leaving
    assert "<code>web</code>" in leaving
    assert "<code>both</code>" in staying
    assert "drain_clients" in asked
    assert not Operation.objects.filter(kind="remove").exists()
    answer = operator.post("/gateways/default/web/remove")
    removal = Operation.objects.get(kind="remove")
    assert (answer["location"], removal.requested_by) == (f"/operations/{removal.pk}", "the-operator")
    again = operator.post("/gateways/default/web/remove")
    assert again.status_code == HTTPStatus.CONFLICT
    assert f"operation {removal.pk}" in again.content.decode()


def test_an_operation_is_cancelled_and_one_that_has_ended_says_so(operator: Client, gateway: Gateway) -> None:
    operation = services.request_configure(gateway=gateway, by="tester")
    page = f"/operations/{operation.pk}"
    assert f'hx-post="{page}/cancel"' in text_of(operator, page)
    assert operator.post(f"{page}/cancel")["location"] == page
    operation.refresh_from_db()
    assert operation.cancelled_by == "the-operator"
    assert f'hx-post="{page}/cancel"' not in text_of(operator, page)
    ended = builders.carry_out(operation)
    assert not ended.is_active
    assert operator.post(f"{page}/cancel")["location"] == page
    assert "is finished" in text_of(operator, page)


def test_a_failed_operation_is_resumed(operator: Client, gateway: Gateway) -> None:
    operation = services.request_configure(gateway=gateway, by="tester")
    Operation.objects.filter(pk=operation.pk).update(state=OperationState.FAILED)
    page = f"/operations/{operation.pk}"
    assert f'hx-post="{page}/resume"' in text_of(operator, page)
    assert "fresh attempts" in text_of(operator, f"{page}/resume")
    operator.post(f"{page}/resume")
    operation.refresh_from_db()
    assert operation.state == OperationState.QUEUED


def test_logging_out_is_a_form(operator: Client) -> None:
    assert '<form method="post" action="/logout">' in text_of(operator, "/")
    assert operator.post("/logout")["location"] == "/login"
    assert operator.get("/")["location"] == "/login?next=/"
