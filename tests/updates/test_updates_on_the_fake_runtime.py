"""Updates, and what is known of them before, as rows and worlds, without an Envoy."""

from __future__ import annotations

import pytest

from deployments.models import Operation, Slot
from egx_project.lib.errors import ConflictError, NotFoundError
from gateways.models import Gateway, Target
from tests.builders import apply, ask_update, carry_out, offer, route_yaml, set_policy
from tests.updates.fake_world import count, serves, settings_version, updated, world
from updates.models import Backup, Quarantine, Release, Soak
from updates.services import changes, checks

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_backups")]


def test_an_update_leaves_the_new_engine_serving_and_the_old_one_warm(gateway: Gateway) -> None:
    operation = updated(gateway)
    assert serves(gateway) == "1.41.0"
    assert {slot.version: slot.state for slot in Slot.objects.filter(gateway=gateway)} == {
        "1.41.0": "serving",
        settings_version(): "warm",
    }
    gateway.refresh_from_db()
    assert gateway.engine_version == "1.41.0"
    assert operation.result["from"] == settings_version()
    assert operation.result["to"] == "1.41.0"
    assert Backup.objects.get().key == operation.result["backup_id"]


def test_the_plan_says_each_step_why_and_how_long_the_old_engine_stays(gateway: Gateway) -> None:
    offer("1.41.0")
    set_policy(gateway, warm_seconds=77, drain_seconds=None)
    plan = changes.plan_for(gateway, version="1.41.0")
    assert [step.name for step in plan.steps] == [
        "preflight", "backup", "pull", "verify", "check_config", "measure", "start_new", "wait_healthy", "try_config",
        "switch_traffic", "drain_old", "keep_warm",
    ]  # fmt: skip
    assert all(step.cause for step in plan.steps)
    assert "77 s and until its last connection ends" in plan.steps[-1].cause
    assert not Operation.objects.filter(kind="update").exists()
    assert not Backup.objects.exists()


def test_what_nobody_offers_or_was_taken_back_or_is_in_quarantine_is_refused_before_anything_is_done(
    gateway: Gateway,
) -> None:
    offer("1.41.0", yanked=True)
    offer("1.41.1")
    Quarantine.objects.create(channel="envoy", version="1.41.1", reason="it died")
    for version, error, why in (
        ("1.41.9", NotFoundError, "has no"),
        ("1.41.0", ConflictError, "taken back"),
        ("1.41.1", ConflictError, "it died"),
    ):
        with pytest.raises(error, match=why):
            changes.request_update(gateway=gateway, version=version, by="tester")
    assert Operation.objects.filter(kind="update").count() == 0


def test_an_update_never_goes_back_silently(gateway: Gateway) -> None:
    offer("1.38.0")
    with pytest.raises(ConflictError, match="older"):
        changes.request_update(gateway=gateway, version="1.38.0", by="tester")
    with pytest.raises(changes.UpToDateError):
        changes.request_update(gateway=gateway, by="tester")


def test_while_one_update_is_under_way_there_is_no_other(gateway: Gateway) -> None:
    ask_update(gateway)
    with pytest.raises(ConflictError):
        ask_update(gateway, "1.42.0")


def test_route_changes_after_an_update_reach_both_slots(gateway: Gateway, target: Target) -> None:
    updated(gateway)
    carry_out(apply(route_yaml(path="/new"), target=target).operations[0])
    assert {slot["generation"] for slot in world(gateway)["slots"].values()} == {2}


def test_a_change_of_the_policy_does_not_change_what_was_asked_for_before(gateway: Gateway) -> None:
    operation = ask_update(gateway)
    set_policy(gateway, warm_seconds=1)
    carry_out(operation)
    assert Soak.objects.get().limits["warm_seconds"] == 300


def test_the_numbers_of_an_update_are_those_of_the_slots_counters(gateway: Gateway) -> None:
    count(gateway, "blue", requests=100, latency=((1.0, 99), (8.0, 100)))
    operation = updated(gateway)
    assert operation.result["during"]["requests"] == 0
    assert operation.result["during"]["failed_requests"] == 0


def test_what_a_gateway_may_have_is_said_in_full(gateway: Gateway) -> None:
    offer("1.41.0", notes_url="https://example.org/notes")
    info = checks.update_info(gateway)
    assert (info.current, info.upgrade_available) == (settings_version(), True)
    assert info.latest is not None
    assert info.latest.version == "1.41.0"


def test_a_channel_that_cannot_be_asked_is_said_to_be_with_what_is_known(gateway: Gateway) -> None:
    offer("1.41.0")
    row = checks.check("envoy")
    assert row.problem
    assert checks.update_info(gateway).problem == row.problem
    assert checks.update_info(gateway).upgrade_available
    assert Release.objects.filter(version="1.41.0", yanked=False).exists()
