"""The page of support services: what is shown to whom, and what may be done."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.test import Client

from deployments.models import ServiceState, SupportService
from egx_project.access.roles import Role
from gateways.models import TargetKind
from gateways.services import ensure_target
from tests.monitoring.visitors import visitor

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def elsewhere() -> None:
    """On another node: nobody here can ask its Docker."""
    ensure_target(name="docker", kind=TargetKind.DOCKER, node="elsewhere")


def page(client: Client) -> str:
    answer = client.get("/services")
    assert answer.status_code == HTTPStatus.OK
    return answer.content.decode()


def test_all_services_of_docker_targets_are_shown_and_only_admins_may_switch_them() -> None:
    for role in Role:
        text = page(visitor(role))
        assert all(name in text for name in ("test-backend", "log-agent", "prometheus"))
        assert ("Start…" in text) == (role == Role.ADMIN)


def test_a_switch_is_asked_for_and_then_done() -> None:
    admin = visitor(Role.ADMIN)
    asked = admin.get("/services/docker/prometheus/on").content.decode()
    assert "Start prometheus of docker?" in asked
    assert 'href="/services"' in asked
    assert admin.post("/services/docker/prometheus/on")["location"] == "/services"
    row = SupportService.objects.get()
    assert (row.wanted, row.state) == (True, ServiceState.STARTING)
    assert "Stop…" in page(admin)
    assert admin.post("/services/docker/prometheus/off")["location"] == "/services"
    assert SupportService.objects.get().state == ServiceState.STOPPING


def test_who_may_not_is_refused_and_changes_nothing() -> None:
    for role in (Role.VIEWER, Role.OPERATOR):
        assert visitor(role).post("/services/docker/prometheus/on").status_code == HTTPStatus.FORBIDDEN
    assert not SupportService.objects.exists()


def test_what_there_is_not_is_not_found() -> None:
    admin = visitor(Role.ADMIN)
    assert admin.get("/services/docker/nothing/on").status_code == HTTPStatus.NOT_FOUND
    assert admin.post("/services/nowhere/prometheus/on").status_code == HTTPStatus.NOT_FOUND


def test_a_problem_is_text() -> None:
    admin = visitor(Role.ADMIN)
    admin.post("/services/docker/prometheus/on")
    SupportService.objects.update(state=ServiceState.FAILED, problem=HOSTILE, hint=HOSTILE)
    text = page(admin)
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text
