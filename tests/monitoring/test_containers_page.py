"""The page of containers where Docker has nothing to say, and what its forms do then."""

from __future__ import annotations

from html import unescape
from http import HTTPStatus
from pathlib import Path

import pytest
from django.test import Client

from deployments.drivers import registry
from egx_project.access.roles import Role
from gateways.models import Route, Target, TargetKind
from gateways.services import ensure_target
from monitoring import fragments
from tests.monitoring.visitors import visitor

pytestmark = pytest.mark.django_db

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """A Docker that is not there."""
    registry._made.cache_clear()
    made = ensure_target(name="docker", kind=TargetKind.DOCKER, node="test")
    made.options = {"host": f"unix://{tmp_path}/no.sock"}
    made.save()
    return made


@pytest.fixture
def operator() -> Client:
    return visitor(Role.OPERATOR)


def test_a_docker_that_is_not_there_is_said_and_the_page_is_whole(operator: Client, target: Target) -> None:
    page = unescape(operator.get("/containers").content.decode())
    assert "containers cannot be listed: there is no Docker at" in page
    assert "install and start Docker" in page


def test_the_form_has_a_path_and_a_gateway_to_make(operator: Client, target: Target) -> None:
    page = operator.get("/containers/shop/Web_1/expose").content.decode()
    assert 'value="/web-1"' in page
    assert 'name="listen"' in page


def test_what_cannot_be_done_is_said_in_the_form_and_keeps_what_was_typed(operator: Client, target: Target) -> None:
    typed = {"path": "/shop", "port": "many", "gateway": "web", "listen": "8080"}
    answer = operator.post("/containers/shop-web/expose", typed)
    page = unescape(answer.content.decode())
    assert answer.status_code == HTTPStatus.OK
    assert "port is a port from 1 to 65535, not 'many'" in page
    assert 'value="/shop"' in page
    assert not Route.objects.exists()


def test_a_click_is_answered_with_what_is_wrong(operator: Client, target: Target) -> None:
    answer = operator.post("/containers/shop-web/expose", {"path": "/"}, headers={"HX-Request": "true"})
    assert answer.status_code == HTTPStatus.CONFLICT


def test_names_are_text(operator: Client, target: Target) -> None:
    for path in (f"/containers/{HOSTILE}/expose", f"/containers/{HOSTILE}/unexpose?path={HOSTILE}"):
        assert HOSTILE not in operator.get(path).content.decode()


def test_the_page_is_told_of_routes_and_of_nothing_else(target: Target) -> None:
    assert fragments.render("containers", role=Role.VIEWER, subjects=frozenset({"gateway/web"})) == {}
    assert set(fragments.render("containers", role=Role.VIEWER, subjects=frozenset({"route/HTTPRoute/a"}))) == {
        "containers"
    }
