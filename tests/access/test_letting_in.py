"""Who is let in, by what, for how long, and what they may then."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client
from django.utils import timezone

from egx_project.access import people, services
from egx_project.access.models import ApiToken, LoginLink
from egx_project.access.roles import MAY, Action, Role, SocketUser, may, role_of
from egx_project.events.models import Event
from egx_project.lib.errors import ConflictError
from gateways.models import Target
from tests import builders

pytestmark = pytest.mark.django_db

API = "/api/v1"


def person(role: Role | None, name: str = "ann") -> User:
    user = User.objects.create_user(name, password="a long password")
    if role is not None:
        user.groups.add(people.group(role))
    return user


def token(user: User, role: Role, *, lifetime: timedelta = timedelta(days=1), name: str = "ci") -> str:
    return services.create_token(user=user, name=name, role=role, lifetime=lifetime, by="tester")[1]


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


# --- roles ----------------------------------------------------------------------------------------------------------


def test_each_role_may_what_the_one_before_it_may_and_more() -> None:
    viewer, operator, admin = (MAY[role] for role in Role)
    assert viewer < operator < admin == set(Action)


@pytest.mark.parametrize("role", Role)
def test_a_user_may_what_the_group_of_the_name_allows(role: Role) -> None:
    user = person(role)
    assert {action for action in Action if may(user, action)} == MAY[role]


def test_nobody_a_user_of_no_group_and_one_who_was_locked_out_may_nothing() -> None:
    locked = person(Role.ADMIN, "locked")
    locked.is_active = False
    for user in (None, AnonymousUser(), person(None), locked):
        assert not any(may(user, action) for action in Action)


def test_the_highest_of_several_groups_counts_and_the_sockets_owner_is_an_admin() -> None:
    user = person(Role.VIEWER)
    user.groups.add(people.group(Role.OPERATOR))
    assert role_of(user) == Role.OPERATOR
    assert role_of(SocketUser()) == Role.ADMIN


# --- tokens ---------------------------------------------------------------------------------------------------------


def test_a_token_lets_in_for_at_most_its_role(client: Client) -> None:
    secret = token(people.owner(), Role.VIEWER)
    assert client.get(f"{API}/gateways", headers=bearer(secret)).status_code == HTTPStatus.OK
    refused = client.post(f"{API}/apply", {"sources": []}, content_type="application/json", headers=bearer(secret))
    assert (refused.status_code, refused["content-type"]) == (HTTPStatus.FORBIDDEN, "application/problem+json")


def test_a_token_never_lends_more_than_its_user_has(client: Client) -> None:
    user = person(Role.OPERATOR)
    secret = token(user, Role.OPERATOR)
    user.groups.clear()
    assert client.get(f"{API}/gateways", headers=bearer(secret)).status_code == HTTPStatus.FORBIDDEN


def test_an_unknown_an_expired_and_a_revoked_token_let_nobody_in(client: Client) -> None:
    expired = token(people.owner(), Role.ADMIN, lifetime=timedelta(seconds=-1), name="old")
    revoked = token(people.owner(), Role.ADMIN, name="gone")
    services.revoke_token(name="gone", by="tester")
    for secret in (expired, revoked, "egx_unknown", ""):
        answer = client.get(f"{API}/gateways", headers=bearer(secret))
        assert answer.status_code == HTTPStatus.UNAUTHORIZED
        assert answer["www-authenticate"].startswith("Bearer")


def test_a_tokens_secret_is_kept_nowhere(client: Client) -> None:
    secret = token(people.owner(), Role.ADMIN)
    kept = repr(list(ApiToken.objects.values())) + repr(list(Event.objects.values()))
    assert secret not in kept
    assert secret[12:] not in kept
    listed = client.get(f"{API}/tokens", headers=bearer(secret)).content.decode()
    assert secret[12:] not in listed


def test_a_name_is_free_again_once_its_token_is_revoked() -> None:
    token(people.owner(), Role.VIEWER)
    with pytest.raises(ConflictError):
        token(people.owner(), Role.VIEWER)
    services.revoke_token(name="ci", by="tester")
    token(people.owner(), Role.VIEWER)


def test_nobody_makes_a_token_that_may_more_than_they_or_sees_and_revokes_anothers(client: Client) -> None:
    token(people.owner(), Role.ADMIN, name="owners")
    mine = bearer(token(person(Role.OPERATOR), Role.OPERATOR, name="mine"))
    made = client.post(f"{API}/tokens", {"name": "x", "role": "admin"}, content_type="application/json", headers=mine)
    assert made.status_code == HTTPStatus.FORBIDDEN
    assert [item["name"] for item in client.get(f"{API}/tokens", headers=mine).json()["items"]] == ["mine"]
    assert client.delete(f"{API}/tokens/owners", headers=mine).status_code == HTTPStatus.NOT_FOUND
    assert not ApiToken.objects.get(name="owners").revoked_at
    assert client.post(f"{API}/login-links", headers=mine).status_code == HTTPStatus.FORBIDDEN


# --- links ----------------------------------------------------------------------------------------------------------


def path_of(link: str) -> str:
    return link[link.index("/login/") :]


def test_a_login_link_logs_in_once(client: Client) -> None:
    path = path_of(services.issue_link(user=people.owner(), by="tester"))
    assert client.get(path)["location"] == "/"
    assert client.get("/").status_code == HTTPStatus.OK
    stranger = Client()
    assert stranger.get(path).status_code == HTTPStatus.FORBIDDEN
    assert stranger.get("/").status_code == HTTPStatus.FOUND


def test_a_prefetch_does_not_use_a_link_up(client: Client) -> None:
    path = path_of(services.issue_link(user=people.owner(), by="tester"))
    client.get(path, headers={"Sec-Purpose": "prefetch;prerender"})
    client.head(path)
    assert client.get(path)["location"] == "/"


def test_an_expired_link_logs_nobody_in(client: Client) -> None:
    path = path_of(services.issue_link(user=people.owner(), by="tester"))
    LoginLink.objects.update(expires_at=timezone.now())
    assert client.get(path).status_code == HTTPStatus.FORBIDDEN
    assert "_auth_user_id" not in client.session


# --- doors ----------------------------------------------------------------------------------------------------------


def test_strangers_get_a_login_page_and_no_data(client: Client) -> None:
    builders.serve_gateway(target=builders.fake_target())
    assert client.get("/")["location"] == "/login?next=/"
    assert client.get("/login").status_code == HTTPStatus.OK
    for path in ("gateways", "status", "events", "operations", "tokens", "targets", "export"):
        answer = client.get(f"{API}/{path}")
        assert (answer.status_code, answer.json()["title"]) == (HTTPStatus.UNAUTHORIZED, "Unauthorized"), path


def test_a_password_logs_in_and_leads_back_to_where_one_was_going_on_this_host_only(client: Client) -> None:
    person(Role.VIEWER)
    form = {"username": "ann", "password": "a long password"}
    assert client.post("/login", {**form, "next": "https://evil.example/"})["location"] == "/"


def test_a_change_by_a_browser_needs_the_pages_own_secret() -> None:
    builders.fake_target()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people.owner())
    forged = browser.post(f"{API}/tokens", {"name": "x"}, content_type="application/json")
    assert forged.status_code == HTTPStatus.FORBIDDEN
    assert not ApiToken.objects.exists()
    assert browser.post("/login", {"username": "x"}).status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:1", "null"])
def test_a_change_from_another_page_is_refused_even_with_the_secret(origin: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people.owner())
    browser.get("/")
    secret = browser.cookies[settings.CSRF_COOKIE_NAME].value
    own = {"X-CSRFToken": secret, "Host": "localhost:3000"}

    def ask(page: str) -> int:
        headers = {**own, "Origin": page}
        body = {"name": "x"}
        return browser.post(f"{API}/tokens", body, content_type="application/json", headers=headers).status_code

    assert ask(origin) == HTTPStatus.FORBIDDEN
    assert not ApiToken.objects.exists()
    assert ask("http://localhost:3000") == HTTPStatus.CREATED


def test_a_foreign_host_name_is_not_answered(client: Client) -> None:
    assert client.get("/", headers={"Host": "evil.example"}).status_code == HTTPStatus.BAD_REQUEST


def test_a_viewer_is_shown_pages_and_may_change_nothing(client: Client) -> None:
    target = builders.fake_target()
    client.force_login(person(Role.VIEWER))
    assert client.get("/").status_code == HTTPStatus.OK
    body = {"sources": [{"name": "a.yaml", "text": builders.gateway_yaml()}]}
    refused = client.post(f"{API}/apply", body, content_type="application/json")
    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert not Target.objects.get(pk=target.pk).gateways.exists()
