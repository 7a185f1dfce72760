"""Builds in the admin: asked for by a form, refused with a sentence, and steered as the operations that they are."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from deployments.models import Build
from egx_project.access.roles import Role
from gateways.models import TargetKind
from gateways.services import ensure_target
from tests.admin.world import a_build, act, address, browser

pytestmark = pytest.mark.django_db

GIT = "https://git.example.org/team/app.git"
FORM = {
    "name": "app:1",
    "source": GIT,
    "file": "Dockerfile",
    "arguments": "A=b\nC=d=e",
    "labels": "title",
    "push": "on",
}


def test_an_operator_asks_for_a_build() -> None:
    target = ensure_target(name="engine", kind=TargetKind.DOCKER, node="test")
    client = browser(Role.OPERATOR)
    assert client.get(address(Build, "add")).status_code == HTTPStatus.OK
    answer = client.post(address(Build, "add"), FORM, follow=True)
    assert answer.status_code == HTTPStatus.OK
    build = Build.objects.get()
    assert (build.name, build.target, build.requested_by, build.state) == ("app:1", target, "ann", "queued")
    assert build.options["arguments"] == {"A": "b", "C": "d=e"}
    assert (build.options["labels"], build.options["push"]) == (["title"], True)


def test_what_is_wrong_is_said_on_the_form_and_nothing_is_asked_for() -> None:
    ensure_target(name="engine", kind=TargetKind.DOCKER, node="test")
    client = browser(Role.OPERATOR)
    for wrong, said in (
        ({"name": "App"}, "is not an image"),
        ({"source": "/etc"}, "is not below a folder"),
        ({"arguments": "API_TOKEN=x"}, "looks like a secret"),
    ):
        text = client.post(address(Build, "add"), FORM | wrong).content.decode()
        assert said in text
    assert not Build.objects.exists()


def test_a_viewer_sees_builds_and_asks_for_none() -> None:
    target = ensure_target(name="engine", kind=TargetKind.DOCKER, node="test")
    build = a_build(target)
    client = browser(Role.VIEWER)
    assert "/srv/app" in client.get(address(Build, "changelist")).content.decode()
    assert f"/api/v1/builds/{build.pk}/log" in client.get(address(Build, "change", build.pk)).content.decode()
    assert client.post(address(Build, "add"), FORM).status_code == HTTPStatus.FORBIDDEN


def test_a_build_is_cancelled_from_its_list() -> None:
    build = a_build(ensure_target(name="engine", kind=TargetKind.DOCKER, node="test"))
    assert "of image app:web 1" in act(browser(Role.OPERATOR), "cancel", build)
    assert Build.objects.get().cancelled_by == "ann"
