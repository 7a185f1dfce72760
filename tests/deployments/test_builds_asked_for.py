"""Asking for builds over HTTP and over the socket: what is taken, what is refused, and who may."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments import builds
from deployments.builds import Wish
from deployments.drivers.build_log import BuildLog
from deployments.models import Build, Operation
from egx_project.access import people
from egx_project.access.roles import Role
from egx_project.lib.errors import BadInputError, ConflictError, ForbiddenError
from gateways.models import Target, TargetKind
from gateways.services import ensure_target
from tests import builders

pytestmark = pytest.mark.django_db

GIT = "https://git.example.org/team/app.git"


@pytest.fixture
def target() -> Target:
    return ensure_target(name="engine", kind=TargetKind.DOCKER, node="test")


def client(role: Role) -> Client:
    user = User.objects.create_user(f"a-{role}")
    user.groups.add(people.group(role))
    made = Client()
    made.force_login(user)
    return made


def post(made: Client, **body: Any) -> Any:
    return made.post("/api/v1/builds", {"name": "app", "source": GIT, **body}, content_type="application/json")


def request(**wish: Any) -> Operation:
    return builds.request_build(wish=Wish(**{"name": "app", "source": GIT, **wish}), by="tester")


def test_a_build_is_asked_for_listed_and_shown(target: Target) -> None:
    operator = client(Role.OPERATOR)
    answer = post(operator, name="registry.example.org:5000/team/app:1.0", version="1.0", platforms=["linux/arm64"])
    assert answer.status_code == HTTPStatus.ACCEPTED, answer.content
    (operation,) = answer.json()["operations"]
    assert (operation["kind"], operation["gateway"]) == ("build", "")
    assert operation["subject"] == "build/registry.example.org:5000/team/app:1.0"
    assert answer["Location"] == f"/api/v1/operations/{operation['id']}"
    listed = operator.get("/api/v1/builds?state=queued&target=engine").json()["items"]
    (shown,) = listed
    assert shown == operator.get(f"/api/v1/builds/{operation['id']}").json()
    assert (shown["source"], shown["version"], shown["platforms"]) == (GIT, "1.0", ["linux/arm64"])
    assert operator.get("/api/v1/builds/99").status_code == HTTPStatus.NOT_FOUND


def test_the_log_is_read_by_offset_until_it_has_ended(target: Target, settings: Any, tmp_path: Path) -> None:
    settings.EGX_DATA_DIR = tmp_path
    build = Build.objects.get(pk=request().pk)
    viewer, address = client(Role.VIEWER), f"/api/v1/builds/{build.pk}/log"
    assert viewer.get(address).json() == {"offset": 0, "next": 0, "text": "", "ended": False}
    BuildLog(builds.log_folder(build.key)).write(b"one\ntwo\n")
    assert viewer.get(address).json() == {"offset": 0, "next": 8, "text": "one\ntwo\n", "ended": False}
    assert viewer.get(address, {"offset": 4}).json()["text"] == "two\n"
    Operation.objects.filter(pk=build.pk).update(state="done")
    assert viewer.get(address, {"offset": 4}).json()["ended"] is False
    assert viewer.get(address, {"offset": 8}).json() == {"offset": 8, "next": 8, "text": "", "ended": True}
    assert viewer.get(address, {"offset": -1}).status_code == HTTPStatus.BAD_REQUEST


def test_a_viewer_may_look_and_not_ask(target: Target) -> None:
    request()
    viewer = client(Role.VIEWER)
    assert viewer.get("/api/v1/builds").json()["total"] == 1
    assert post(viewer).status_code == HTTPStatus.FORBIDDEN
    assert Operation.objects.count() == 1


def test_a_request_that_is_repeated_is_done_once(target: Target) -> None:
    operator = client(Role.OPERATOR)
    first, again = (
        operator.post(
            "/api/v1/builds", {"name": "app", "source": GIT}, content_type="application/json",
            headers={"Idempotency-Key": "k"},
        )
        for _ in range(2)
    )  # fmt: skip
    assert first.json() == again.json()
    assert Operation.objects.count() == 1


def test_one_build_of_a_name_at_a_time_and_others_beside_it(target: Target) -> None:
    first = request()
    with pytest.raises(ConflictError, match=rf"operation {first.pk} \(build\) of image app:latest is not finished"):
        request(name="app:latest")
    request(name="app:2")
    Operation.objects.filter(pk=first.pk).update(state="failed")
    request()


def test_folders_are_taken_from_people_only_where_they_are_given_free(
    target: Target, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "free" / "app").mkdir(parents=True)
    (tmp_path / "free" / "out").symlink_to(tmp_path)
    settings.EGX_BUILD_ROOTS = [str(tmp_path / "free")]
    request(source=str(tmp_path / "free/app"))
    for source in (tmp_path, tmp_path / "free/out", tmp_path / "free/../secret", f"file://{tmp_path}"):
        with pytest.raises(ForbiddenError):
            request(name="other", source=str(source))
    builds.request_build(wish=Wish(name="other", source=str(tmp_path)), by="cli", anywhere=True)


@pytest.mark.parametrize(
    "wish",
    [
        {"name": "App"}, {"name": "app:"}, {"name": "app@sha256:00"}, {"name": "a//b"}, {"name": "-app"},
        {"name": "x" * 301}, {"file": "../Dockerfile"}, {"file": "/etc/passwd"}, {"file": ""},
        {"platforms": ["linux"]}, {"platforms": ["--push"]}, {"platforms": ["linux/amd64,linux/arm64"]},
        {"arguments": {"1A": "x"}}, {"arguments": {"A=B": "x"}}, {"arguments": {"API_TOKEN": "x"}},
        {"arguments": {"PROXY": "http://me:secret@proxy"}}, {"arguments": {"A": "x" * 5000}},
        {"labels": ["a b"]}, {"labels": [""]}, {"version": "1 0"}, {"largest": -1}, {"target": "process"},
    ],
)  # fmt: skip
def test_a_wish_that_cannot_be_is_refused_with_nothing_changed(target: Target, wish: dict[str, Any]) -> None:
    ensure_target(name="process", kind=TargetKind.PROCESS, node="test")
    with pytest.raises(BadInputError):
        request(**wish)
    assert not Operation.objects.exists()


def test_without_a_docker_target_of_this_node_it_is_said_how_to_get_one() -> None:
    ensure_target(name="far", kind=TargetKind.DOCKER, node="elsewhere")
    with pytest.raises(BadInputError, match="no docker target on this node"):
        request()
    assert request(target="far").target.name == "far"


@pytest.mark.django_db(transaction=True)
def test_where_no_engine_answers_the_build_ends_with_a_sentence(target: Target) -> None:
    Target.objects.update(options={"host": "unix:///nowhere/docker.sock"})
    ended = builders.carry_out(request())
    assert (ended.state, ended.attempt, ended.steps.count()) == ("rolled_back", 1, 0)
    assert "the Docker Engine at unix:///nowhere/docker.sock does not answer" in ended.error
    assert ended.hint
