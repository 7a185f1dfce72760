"""Rollbacks as rows and worlds, without an Envoy."""

from __future__ import annotations

import pytest

from egx_project.lib.errors import ConflictError
from gateways.models import Gateway, Target
from tests.builders import apply, ask_retirement, carry_out, route_yaml
from tests.updates.fake_world import count, finish_all, serves, settings_version, updated, world
from updates.models import Release
from updates.services import changes, soaks

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_backups")]


def test_a_rollback_to_a_warm_slot_starts_nothing(gateway: Gateway) -> None:
    updated(gateway)
    operation = carry_out(changes.request_rollback(gateway=gateway, by="tester"))
    assert operation.state == "done"
    assert serves(gateway) == settings_version()
    assert [step.name for step in operation.steps.all()] == [
        "try_config", "switch_traffic", "drain_old", "keep_warm",
    ]  # fmt: skip


def test_a_rollback_after_the_old_slot_was_stopped_is_done_as_an_update_is(gateway: Gateway) -> None:
    updated(gateway)
    assert carry_out(ask_retirement(gateway)).state == "done"
    operation = carry_out(changes.request_rollback(gateway=gateway, by="tester"))
    assert operation.state == "done"
    assert serves(gateway) == settings_version()
    assert "start_new" in {step.name for step in operation.steps.all()}


def test_a_gateway_that_has_had_one_engine_only_cannot_be_rolled_back(gateway: Gateway) -> None:
    with pytest.raises(ConflictError, match="no other engine"):
        changes.request_rollback(gateway=gateway, by="tester")


def test_the_way_back_is_open_whatever_the_channel_says_by_now(gateway: Gateway) -> None:
    updated(gateway)
    updated(gateway, "1.42.0")
    Release.objects.all().update(yanked=True)
    Release.objects.filter(version="1.41.0").delete()
    operation = carry_out(changes.request_rollback(gateway=gateway, by="tester"))
    assert operation.state == "done", operation.error
    assert serves(gateway) == "1.41.0"


def test_after_a_bad_update_went_back_by_itself_a_rollback_does_not_bring_it_again(gateway: Gateway) -> None:
    updated(gateway)
    updated(gateway, "1.42.0")
    count(gateway, "blue", requests=200, failures={"NR": 150})
    soaks.watch()
    finish_all()
    assert serves(gateway) == "1.41.0"
    operation = carry_out(changes.request_rollback(gateway=gateway, by="tester"))
    assert operation.state == "done", operation.error
    assert serves(gateway) == settings_version()


def test_a_rollback_keeps_the_routes_that_came_meanwhile(gateway: Gateway, target: Target) -> None:
    updated(gateway)
    carry_out(apply(route_yaml(path="/new"), target=target).operations[0])
    carry_out(changes.request_rollback(gateway=gateway, by="tester"))
    state = world(gateway)
    assert state["slots"][state["edge"]["serving"]]["generation"] == 2
