"""Every row is there to be read by whoever may, and cannot be written by anybody."""

from __future__ import annotations

import re
from http import HTTPStatus

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import Model
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from deployments.models import Build, Operation, OperationStep
from egx_project.access.models import ApiToken
from egx_project.access.roles import Role
from egx_project.events.models import Event, EventCounter
from egx_project.rest.models import Answer
from gateways.models import Backend, Gateway, Policy, PublishedPort, Route, Target
from tests.admin.world import (
    HOSTILE,
    MODELS,
    SECRETS,
    a_build,
    address,
    browser,
    everything,
    may_see,
    more,
    person,
    rows_of,
)
from updates.models import Backup, ChannelCheck, Quarantine, Release, Soak, UpdatePolicy

pytestmark = pytest.mark.django_db

INLINE = re.compile(r"<style|<script(?![^>]*\bsrc=)(?![^>]*json)|<[^>]+\s(?:style|on[a-z]+)=[^>]*>", re.IGNORECASE)

every_role = pytest.mark.parametrize("role", Role)
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)


def test_every_model_of_egx_is_registered_or_shown_inside_another() -> None:
    own = {
        model
        for app in ("gateways", "deployments", "updates", "events", "access")
        for model in apps.get_app_config(app).get_models()
    }
    assert own - set(MODELS) == {OperationStep, PublishedPort, EventCounter}


@every_role
def test_every_list_search_filter_and_row_is_shown_to_those_who_may(role: Role) -> None:
    a_build(everything().target)
    client = browser(role)
    for model in MODELS:
        page = address(model, "changelist")
        expected = HTTPStatus.OK if may_see(role, model) else HTTPStatus.FORBIDDEN
        assert client.get(page).status_code == expected, page
        assert client.get(page, {"q": "web 1"}).status_code == expected, page
        for row in rows_of(model, role):
            assert client.get(address(model, "change", row.pk)).status_code == expected, row
        if may_see(role, model):
            assert rows_of(model, role).exists() or model is ApiToken, model
            for query in choices_of_filters(model, client):
                assert client.get(page + query).status_code == HTTPStatus.OK, query


def choices_of_filters(model: type[Model], client: Client) -> list[str]:
    """The links of every filter of the model's list."""
    listed = client.get(address(model, "changelist")).context["cl"]
    queries = [choice["query_string"] for spec in listed.filter_specs for choice in spec.choices(listed)]
    assert len(listed.filter_specs) == 0 or queries
    return queries


@every_role
def test_the_index_shows_exactly_what_the_role_may_see(role: Role) -> None:
    answer = browser(role).get("/admin/")
    shown = {model["model"] for app in answer.context["app_list"] for model in app["models"]}
    assert shown == {model for model in MODELS if may_see(role, model)}
    assert "<title>Rows | EGX</title>" in " ".join(answer.content.decode().split())


@every_role
@every_model
def test_no_row_is_added_changed_or_deleted_by_hand(role: Role, model: type[Model]) -> None:
    if model in {User, Group, Target, UpdatePolicy, Build}:
        pytest.skip("has tests of its own")
    a_build(everything().target)
    client = browser(role)
    before = list(model._default_manager.order_by("pk").values())
    row = before[0]
    changed = dict.fromkeys(row, "0")
    if model is not Backup:
        assert client.post(address(model, "add"), changed).status_code == HTTPStatus.FORBIDDEN
    for page, form in (("change", changed), ("delete", {"post": "yes"})):
        refused = client.post(address(model, page, next(iter(row.values()))), form)
        assert refused.status_code == HTTPStatus.FORBIDDEN, page
    client.post(address(model, "changelist"), {"action": "delete_selected", "_selected_action": [1], "post": "yes"})
    assert list(model._default_manager.order_by("pk").values()) == before


def test_a_targets_row_is_not_changed_or_deleted_by_an_admin_either() -> None:
    everything()
    client = browser(Role.ADMIN)
    target = Target.objects.get()
    assert client.post(address(Target, "change", target.pk), {"name": "x"}).status_code == HTTPStatus.FORBIDDEN
    assert client.post(address(Target, "delete", target.pk), {"post": "yes"}).status_code == HTTPStatus.FORBIDDEN
    assert Target.objects.get().name == target.name


def test_a_gateway_is_shown_with_its_slots_listeners_and_ports_and_its_spec_as_yaml() -> None:
    gateway = everything()
    text = browser(Role.VIEWER).get(address(Gateway, "change", gateway.pk)).content.decode()
    for piece in ("blue", "serving", "http-8080", "gatewayClassName: egx"):
        assert piece in text, piece


def test_an_operation_is_shown_with_its_journal() -> None:
    everything()
    operation = Operation.objects.get()
    text = browser(Role.VIEWER).get(address(Operation, "change", operation.pk)).content.decode()
    for step in operation.steps.all():
        assert step.name in text
        assert step.cause.replace("'", "&#x27;") in text


def test_an_operation_an_event_and_a_gateway_are_found_by_number() -> None:
    everything()
    client = browser(Role.VIEWER)
    operation, event = Operation.objects.get(), Event.objects.order_by("pk")[2]
    for model, wanted in ((Operation, operation.pk), (Event, event.number), (Gateway, 8080)):
        found = client.get(address(model, "changelist"), {"q": str(wanted)}).context["cl"].result_list
        assert found, model
    none = client.get(address(Operation, "changelist"), {"q": "9" * 40}).context["cl"].result_list
    assert not none


def test_a_secrets_hash_is_shown_to_nobody() -> None:
    everything()
    client = browser(Role.ADMIN)
    for model in SECRETS:
        for row in model._default_manager.all():
            shown = (
                client.get(address(model, "change", row.pk)).content + client.get(address(model, "changelist")).content
            )
            assert row.sha256.encode() not in shown


def test_people_see_their_own_tokens_and_an_admin_sees_all() -> None:
    everything()
    token = ApiToken.objects.get()
    client = browser(Role.OPERATOR)
    assert not client.get(address(ApiToken, "changelist")).context["cl"].result_list
    assert client.get(address(ApiToken, "change", token.pk)).status_code == HTTPStatus.FOUND
    token.user = User.objects.get(username="ann")
    token.save()
    assert client.get(address(ApiToken, "change", token.pk)).status_code == HTTPStatus.OK


def test_what_rows_hold_is_text_and_never_markup() -> None:
    gateway = everything()
    labels = {"x": HOSTILE}
    Gateway.objects.update(name=HOSTILE, labels=labels, spec=labels)
    Route.objects.update(name=HOSTILE, labels=labels, spec=labels)
    Backend.objects.update(name=HOSTILE, spec=labels)
    Policy.objects.update(name=HOSTILE, spec=labels)
    Target.objects.update(name=HOSTILE, options=labels)
    gateway.listeners.update(name=HOSTILE, hostname=HOSTILE, spec=labels)
    Operation.objects.update(gateway_name=HOSTILE, error=HOSTILE, hint=HOSTILE, result=labels, requested_by=HOSTILE)
    OperationStep.objects.update(cause=HOSTILE, error=HOSTILE, result=labels, name=HOSTILE)
    Event.objects.update(subject=HOSTILE, data=labels)
    ApiToken.objects.update(name=HOSTILE)
    Answer.objects.update(key=HOSTILE)
    Release.objects.update(version=HOSTILE, notes=HOSTILE, notes_url=HOSTILE)
    Quarantine.objects.update(version=HOSTILE, reason=HOSTILE)
    ChannelCheck.objects.update(problem=HOSTILE)
    UpdatePolicy.objects.update(versions=HOSTILE)
    Soak.objects.update(reason=HOSTILE, new_version=HOSTILE, seen=labels)
    Backup.objects.update(reason=HOSTILE, problem=HOSTILE, gateway_name=HOSTILE)
    User.objects.filter(username="admin").update(username=HOSTILE, first_name=HOSTILE)
    client = browser(Role.ADMIN)
    for model in MODELS:
        pages = [address(model, "changelist")]
        pages += [address(model, "change", row.pk) for row in model._default_manager.all()]
        for page in pages:
            assert "<script>alert" not in client.get(page).content.decode(), page
    for action in ("deploy", "remove", "update", "roll_back"):
        form = {"action": action, "_selected_action": [gateway.pk]}
        answer = client.post(address(Gateway, "changelist"), form, follow=True).content.decode()
        assert "alert(&#x27;x&#x27;)" in answer
        assert "<script>alert" not in answer


def test_no_page_has_a_script_or_a_style_that_the_policy_would_refuse() -> None:
    everything()
    client = browser(Role.ADMIN)
    pages = ["/admin/", *(address(model, "add") for model in (User, Group, Target, UpdatePolicy, Backup))]
    for model in MODELS:
        pages.append(address(model, "changelist"))
        pages += [address(model, "change", row.pk) for row in model._default_manager.all()]
    for page in pages:
        answer = client.get(page)
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert INLINE.findall(answer.content.decode()) == [], page


def test_a_list_costs_a_constant_number_of_queries_and_never_counts_all_rows_twice() -> None:
    everything()
    more(0, 3)
    user = person(Role.ADMIN)

    def costs() -> dict[type[Model], int]:
        return {model: cost(model, user) for model in MODELS}

    few = costs()
    more(3, 9)
    assert costs() == few


def cost(model: type[Model], user: User) -> int:
    request = RequestFactory().get(address(model, "changelist"))
    request.user = User.objects.get(pk=user.pk)
    with CaptureQueriesContext(connection) as queries:
        answer = admin.site._registry[model].changelist_view(request)
        answer.render()  # type: ignore[attr-defined]
    return len(queries)


def test_what_is_not_there_is_said_and_never_fails() -> None:
    everything()
    client = browser(Role.ADMIN)
    for model in MODELS:
        for key in ("9" * 40, "_2F", "%00", "x"):
            assert client.get(address(model, "change", key)).status_code == HTTPStatus.FOUND, (model, key)
        for query in ({"q": "\0"}, {"id__exact": "x"}, {"p": "99999"}, {"kind": HOSTILE}, {"o": "-99"}):
            answer = client.get(address(model, "changelist"), query)
            assert answer.status_code in {HTTPStatus.OK, HTTPStatus.FOUND}, (model, query)
