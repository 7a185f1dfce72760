"""Applying YAML in the browser: its plan first, and then exactly what was planned."""

from __future__ import annotations

import re
from http import HTTPStatus

import pytest
from django.test import Client

from deployments.models import Operation
from egx_project.access.roles import Role
from gateways.models import Backend, Gateway, Route, Target
from tests import builders
from tests.monitoring.visitors import visitor

pytestmark = pytest.mark.django_db

WRITTEN = builders.gateway_yaml() + builders.route_yaml()


@pytest.fixture
def target() -> Target:
    return builders.fake_target()


@pytest.fixture
def operator() -> Client:
    return visitor(Role.OPERATOR)


def plan(client: Client, text: str) -> str:
    answer = client.post("/apply", {"do": "plan", "text": text, "target": "local"})
    assert answer.status_code == HTTPStatus.OK
    return answer.content.decode()


def agreed(page: str) -> str:
    """The plan that the page's Apply button agrees to; empty where there is none."""
    found = re.search(r'name="planned" value="(\w+)"', page)
    return found[1] if found else ""


def send(client: Client, text: str, planned: str) -> tuple[int, str, str]:
    """The answer's status, where it leads to, and its page."""
    answer = client.post("/apply", {"do": "apply", "text": text, "target": "local", "planned": planned})
    return answer.status_code, answer.headers.get("location", ""), answer.content.decode()


def test_a_plan_shows_what_changes_and_each_step_and_changes_nothing(operator: Client, target: Target) -> None:
    page = plan(operator, WRITTEN)
    for said in ("Gateway web", "HTTPRoute web", "Backend web", "switch_traffic", ">Apply</button>"):
        assert said in page
    assert not Gateway.objects.exists()
    assert not Operation.objects.exists()


def test_what_was_planned_is_applied_and_leads_to_its_operation(operator: Client, target: Target) -> None:
    text = WRITTEN.replace("\n", "\r\n")  # as browsers send it
    status, location, _ = send(operator, text, agreed(plan(operator, text)))
    operation = Operation.objects.get()
    assert (status, location) == (HTTPStatus.FOUND, f"/operations/{operation.pk}")
    assert operation.requested_by == "the-operator"
    assert builders.carry_out(operation).plan in operator.get(location).content.decode()


def test_the_plan_is_shown_again_when_the_desired_state_has_moved(operator: Client, target: Target) -> None:
    gateway = builders.serve_gateway(target=target)
    changed = builders.route_yaml(path="/new")
    planned = agreed(plan(operator, changed))
    builders.carry_out(builders.apply(builders.route_yaml("other", path="/o"), target=target).operations[0])
    status, _, page = send(operator, changed, planned)
    assert status == HTTPStatus.OK
    assert "is not what was planned" in page
    assert Route.objects.get(name="web").spec["rules"][0]["matches"][0]["path"]["value"] == "/"
    gateway.refresh_from_db()
    assert (gateway.generation, Operation.objects.filter(state="queued").count()) == (2, 0)
    assert send(operator, changed, agreed(page))[0] == HTTPStatus.FOUND


def test_the_plan_is_shown_again_when_the_text_is_another(operator: Client, target: Target) -> None:
    planned = agreed(plan(operator, WRITTEN))
    other = WRITTEN.replace("9000", "9001")
    status, _, page = send(operator, other, planned)
    assert (status, Gateway.objects.exists()) == (HTTPStatus.OK, False)
    assert agreed(page) not in {"", planned}


@pytest.mark.parametrize("planned", ["", "x", "0" * 64])
def test_nothing_is_applied_without_a_plan(planned: str, operator: Client, target: Target) -> None:
    status, _, page = send(operator, WRITTEN, planned)
    assert (status, Gateway.objects.exists()) == (HTTPStatus.OK, False)
    assert ">Apply</button>" in page


def test_applying_twice_does_nothing_the_second_time(operator: Client, target: Target) -> None:
    planned = agreed(plan(operator, WRITTEN))
    send(operator, WRITTEN, planned)
    builders.carry_out(Operation.objects.get())
    assert "Nothing to do" in send(operator, WRITTEN, planned)[2]
    assert Operation.objects.count() == 1


def test_what_concerns_no_gateway_leads_to_the_overview_with_a_message(operator: Client, target: Target) -> None:
    backend = builders.BACKEND.format(backend_port=9000)
    status, location, _ = send(operator, backend, agreed(plan(operator, backend)))
    assert (status, location) == (HTTPStatus.FOUND, "/")
    assert "no gateway changes" in operator.get("/").content.decode()
    assert Backend.objects.exists()


def test_every_problem_is_shown_with_its_line_and_the_text_is_kept(operator: Client, target: Target) -> None:
    wrong = WRITTEN.replace("protocol: HTTP", "protocol: SCTP").replace("name: web}]\n  rules", "name: nope}]\n  rules")
    page = plan(operator, wrong)
    assert agreed(page) == ""
    assert "This cannot be applied" in page
    assert re.search(r"line \d+", page)
    assert "SCTP" in page
    broken = plan(operator, "a: [\n b")
    assert "not valid YAML" in broken
    assert "a: [\n b</textarea>" in broken


def test_an_unknown_target_and_a_text_of_nothing_are_said(operator: Client, target: Target) -> None:
    answer = operator.post("/apply", {"do": "plan", "text": WRITTEN, "target": "moon"})
    assert "there is no target moon" in answer.content.decode()
    assert agreed(plan(operator, "")) == ""


def test_a_gateways_manifests_are_edited_as_they_are(operator: Client, target: Target) -> None:
    builders.serve_gateway(target=target)
    page = operator.get("/apply?gateway=default/web").content.decode()
    shown = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert shown
    assert "Nothing to do" in plan(operator, shown[1])
    for gone in ("default/nope", "nope", "a/b/c"):
        assert operator.get("/apply", {"gateway": gone}).status_code == HTTPStatus.NOT_FOUND
