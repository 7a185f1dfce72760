"""What may be done from the admin goes through the services, by the one permission map."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User

from deployments.models import Operation, OperationKind, OperationState
from egx_project.access import people, services
from egx_project.access.models import ApiToken
from egx_project.access.roles import MAY, Action, Role
from egx_project.events.models import Event
from gateways.models import Gateway
from tests.admin.world import MODELS, act, address, browser, everything, may_see

pytestmark = pytest.mark.django_db

NEEDS: dict[str, Action] = {
    "deploy": Action.CHANGE,
    "remove": Action.CHANGE,
    "cancel": Action.CHANGE,
    "resume": Action.CHANGE,
    "update": Action.CHANGE,
    "roll_back": Action.CHANGE,
    "check_now": Action.CHANGE,
    "quarantine": Action.CHANGE,
    "lift": Action.CHANGE,
    "accept": Action.CHANGE,
    "restore": Action.CHANGE,
    "revoke": Action.ADMINISTER,
    "forget": Action.ADMINISTER,
}
every_role = pytest.mark.parametrize("role", Role)


def offered(role: Role) -> set[str]:
    client = browser(role)
    found: set[str] = set()
    for model in MODELS:
        if model in {User, Group} or not may_see(role, model):
            continue
        form = client.get(address(model, "changelist")).context["action_form"]
        found |= {name for name, _label in form.fields["action"].choices if name} if form else set()
    return found


@every_role
def test_those_actions_are_offered_that_the_role_may_do(role: Role) -> None:
    everything()
    assert offered(role) == {name for name, action in NEEDS.items() if action in MAY[role]}


def test_a_viewer_who_sends_an_action_anyway_changes_nothing() -> None:
    gateway = everything()
    operation = Operation.objects.get()
    client = browser(Role.VIEWER)
    events = Event.objects.count()
    for action, row in (("deploy", gateway), ("remove", gateway), ("cancel", operation), ("resume", operation)):
        act(client, action, row, confirmed="yes")
    assert (Operation.objects.count(), Event.objects.count()) == (1, events)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
def test_deploy_again_asks_for_a_deployment_and_says_its_number(role: Role) -> None:
    gateway = everything()
    page = act(browser(role), "deploy", gateway)
    asked = Operation.objects.first()
    assert asked is not None
    assert (asked.kind, asked.state, asked.requested_by) == ("deploy", "queued", "ann")
    assert f"operation {asked.pk}</a> (deploy of gateway web) is queued" in page


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
def test_remove_asks_first_and_then_asks_for_the_removal(role: Role) -> None:
    gateway = everything()
    client = browser(role)
    page = act(client, "remove", gateway)
    assert "Gateway web" in page
    assert "8080" in page
    assert not Operation.objects.filter(kind=OperationKind.REMOVE).exists()
    page = act(client, "remove", gateway, confirmed="yes")
    asked = Operation.objects.get(kind=OperationKind.REMOVE)
    assert f"operation {asked.pk}</a> (remove of gateway web) is queued" in page
    assert Gateway.objects.filter(pk=gateway.pk).exists()


@pytest.mark.parametrize("action", ["deploy", "remove"])
def test_a_gateway_that_is_at_work_refuses_and_says_why(action: str) -> None:
    gateway = everything()
    client = browser(Role.OPERATOR)
    act(client, "deploy", gateway)
    first = Operation.objects.first()
    assert first is not None
    page = act(client, action, gateway, confirmed="yes")
    assert f"operation {first.pk} (deploy) of gateway web is not finished" in page
    assert Operation.objects.count() == 2


def test_an_operation_is_cancelled_and_a_finished_one_is_not() -> None:
    gateway = everything()
    done = Operation.objects.get()
    client = browser(Role.OPERATOR)
    act(client, "deploy", gateway)
    waiting = Operation.objects.first()
    assert waiting is not None
    page = act(client, "cancel", done, waiting)
    assert f"operation {done.pk} is finished: done" in page
    assert f"operation {waiting.pk}</a> (deploy of gateway web) turns back at its next step" in page
    assert list(Operation.objects.values_list("cancelled_by", flat=True)) == ["ann", ""]


def test_a_failed_operation_is_resumed_and_another_is_not() -> None:
    everything()
    operation = Operation.objects.get()
    client = browser(Role.OPERATOR)
    assert f"operation {operation.pk} is done, not failed" in act(client, "resume", operation)
    Operation.objects.update(state=OperationState.FAILED)
    assert f"operation {operation.pk}</a> (deploy of gateway web) is queued" in act(client, "resume", operation)
    assert Operation.objects.get().state == OperationState.QUEUED


def test_an_admin_revokes_a_token_and_never_the_new_one_of_the_same_name() -> None:
    everything()
    old = ApiToken.objects.get()
    client = browser(Role.ADMIN)
    assert "Token owners of admin is revoked" in act(client, "revoke", old)
    new, _secret = services.create_token(
        user=people.owner(), name="owners", role=Role.VIEWER, lifetime=timedelta(days=1), by="tester"
    )
    assert "it is revoked already" in act(client, "revoke", old)
    new.refresh_from_db()
    assert new.revoked_at is None
    assert Event.objects.filter(kind="token.revoked").count() == 1


def test_an_operator_who_sends_revoke_anyway_revokes_nothing() -> None:
    everything()
    client = browser(Role.OPERATOR)
    ApiToken.objects.update(user=User.objects.get(username="ann"))
    act(client, "revoke", ApiToken.objects.get())
    assert ApiToken.objects.get().revoked_at is None
