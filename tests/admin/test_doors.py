"""Who is let into the admin, and how people are given roles there."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client

from egx_project.access import people, services
from egx_project.access.roles import Role, role_of
from egx_project.events.models import Event
from gateways.models import Target
from tests.admin.world import address, browser, everything

pytestmark = pytest.mark.django_db


def test_a_stranger_is_sent_to_egxs_own_login_and_back_to_where_they_went(client: Client) -> None:
    answer = client.get("/admin/gateways/gateway/", follow=True)
    assert answer.redirect_chain[-1][0] == "/login?next=/admin/gateways/gateway/"
    assert client.get("/admin/login/")["location"] == "/login?next=/admin/"


def test_a_person_without_a_role_is_refused() -> None:
    client = browser(None)
    answer = client.get("/admin/", follow=True)
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert "viewer, operator or admin" in answer.content.decode()


def test_logging_out_leads_to_egxs_own_login() -> None:
    client = browser(Role.VIEWER)
    assert client.post("/admin/logout/")["location"] == "/login"
    assert client.get("/admin/").status_code == HTTPStatus.FOUND


def test_the_groups_of_the_roles_are_there_from_the_start_and_stay() -> None:
    assert set(Group.objects.values_list("name", flat=True)) == set(Role.values)
    client = browser(Role.ADMIN)
    group = people.group(Role.OPERATOR)
    assert client.post(address(Group, "change", group.pk), {"name": "x"}).status_code == HTTPStatus.FORBIDDEN
    assert client.post(address(Group, "delete", group.pk), {"post": "yes"}).status_code == HTTPStatus.FORBIDDEN
    form = {"action": "delete_selected", "_selected_action": [group.pk], "post": "yes"}
    assert client.post(address(Group, "changelist"), form).status_code == HTTPStatus.FORBIDDEN
    assert people.group(Role.OPERATOR).pk == group.pk


def test_an_admin_makes_a_user_gives_a_role_and_locks_out() -> None:
    client = browser(Role.ADMIN)
    form = {
        "username": "bob",
        "usable_password": "true",
        "password1": "a long password",
        "password2": "a long password",
    }
    client.post(address(User, "add"), form)
    bob = User.objects.get(username="bob")
    assert role_of(bob) is None
    page = address(User, "change", bob.pk)
    wanted = {"username": "bob", "is_active": "on", "groups": [people.group(Role.OPERATOR).pk]}
    assert client.post(page, wanted).status_code == HTTPStatus.FOUND
    assert role_of(User.objects.get(username="bob")) == Role.OPERATOR
    browser_of_bob = Client()
    assert browser_of_bob.login(username="bob", password="a long password")
    client.post(page, {"username": "bob"})
    assert browser_of_bob.get("/admin/").status_code == HTTPStatus.FOUND


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_nobody_else_makes_users_or_gives_themselves_a_role(role: Role) -> None:
    client = browser(role)
    ann = User.objects.get(username="ann")
    assert client.post(address(User, "add"), {"username": "bob"}).status_code == HTTPStatus.FORBIDDEN
    raised = client.post(address(User, "change", ann.pk), {"username": "ann", "is_superuser": "on"})
    assert raised.status_code == HTTPStatus.FORBIDDEN
    assert client.get(f"/admin/auth/user/{ann.pk}/password/").status_code == HTTPStatus.FORBIDDEN
    assert role_of(User.objects.get(username="ann")) == role


def test_an_admin_adds_a_target_and_the_event_tells() -> None:
    client = browser(Role.ADMIN)
    form = {"name": "here", "kind": "process", "node": settings.EGX_NODE}
    answer = client.post(address(Target, "add"), form)
    target = Target.objects.get()
    assert answer["location"] == address(Target, "changelist")
    assert (target.name, target.kind, target.node) == ("here", "process", settings.EGX_NODE)
    assert Event.objects.get(kind="target.added").subject == "target/here"


@pytest.mark.parametrize(
    "form",
    [{"name": "A b", "kind": "process"}, {"name": "x", "kind": "kubernetes"}, {"name": "local", "kind": "process"}],
)
def test_a_target_that_cannot_be_is_refused_in_its_form(form: dict[str, str]) -> None:
    everything()
    answer = browser(Role.ADMIN).post(address(Target, "add"), form)
    assert answer.status_code == HTTPStatus.OK
    assert answer.context["errors"]
    assert Target.objects.count() == 1


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_nobody_else_adds_targets(role: Role) -> None:
    form = {"name": "here", "kind": "process"}
    assert browser(role).post(address(Target, "add"), form).status_code == HTTPStatus.FORBIDDEN
    assert not Target.objects.exists()


def test_an_action_without_the_pages_own_secret_is_refused() -> None:
    gateway = everything()
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.owner())
    form = {"action": "deploy", "_selected_action": [gateway.pk]}
    assert client.post("/admin/gateways/gateway/", form).status_code == HTTPStatus.FORBIDDEN
    assert gateway.operations.count() == 1


def test_the_owner_comes_in_by_a_link(client: Client) -> None:
    link = services.issue_link(user=people.owner(), by="tester")
    client.get(link[link.index("/login/") :])
    assert client.get("/admin/").status_code == HTTPStatus.OK
