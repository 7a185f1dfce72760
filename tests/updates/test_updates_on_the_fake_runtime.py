"""Updates, rollbacks, soaks and restores as rows and worlds, without an Envoy."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from deployments import services
from deployments.drivers.fake import REJECT_LABEL, FakeDriver
from deployments.models import Operation, OperationState, Slot
from deployments.tasks import driver_of
from egx_project.events.models import Event
from egx_project.lib.errors import ConflictError, NotFoundError
from gateways.models import Backend, Gateway, Route, Target
from tests.builders import (
    apply,
    ask_retirement,
    ask_update,
    carry_out,
    fake_target,
    gateway_yaml,
    offer,
    route_yaml,
    serve_gateway,
    set_policy,
)
from updates import backups as archives
from updates.models import Backup, Quarantine, Release, Soak
from updates.services import backups, changes, checks, soaks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def data_dir(settings: Any, tmp_path: Path) -> None:
    """Backups of its own."""
    settings.EGX_DATA_DIR = tmp_path


@pytest.fixture
def target() -> Target:
    return fake_target()


@pytest.fixture
def gateway(target: Target) -> Gateway:
    return serve_gateway(target=target)


def world(gateway: Gateway) -> dict[str, Any]:
    driver = driver_of(gateway.target)
    assert isinstance(driver, FakeDriver)
    return driver.world.read(gateway.key)


def count(gateway: Gateway, slot: str, **traffic: Any) -> None:
    """What the slot's Envoy has counted so far."""
    driver = driver_of(gateway.target)
    assert isinstance(driver, FakeDriver)

    def effect(state: dict[str, Any]) -> None:
        state["slots"][slot]["traffic"] = {"life": slot, **traffic}

    driver.world.change(gateway.key, effect)


def serves(gateway: Gateway) -> str:
    state = world(gateway)
    return str(state["slots"][state["edge"]["serving"]]["version"])


def finish_all() -> None:
    while waiting := Operation.objects.filter(state=OperationState.QUEUED).order_by("pk").first():
        carry_out(waiting)


def updated(gateway: Gateway, version: str = "1.41.0") -> Operation:
    operation = carry_out(ask_update(gateway, version))
    assert operation.state == "done", operation.error
    return operation


# --- updates ----------------------------------------------------------------------------------------------------------


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


def settings_version() -> str:
    from django.conf import settings

    return str(settings.EGX_ENVOY_VERSION)


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


# --- rollback ---------------------------------------------------------------------------------------------------------


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


# --- soaks ------------------------------------------------------------------------------------------------------------


def test_a_bad_soak_brings_the_old_engine_back_and_puts_the_new_one_in_quarantine(gateway: Gateway) -> None:
    updated(gateway)
    count(gateway, "green", requests=200, failures={"NR": 150})
    soaks.watch()
    rollback = Operation.objects.get(kind="rollback")
    assert rollback.requested_by == "egx"
    assert carry_out(rollback).state == "done"
    assert serves(gateway) == settings_version()
    assert "NR 150" in Quarantine.objects.get(version="1.41.0").reason
    with pytest.raises(ConflictError, match="quarantine"):
        changes.request_update(gateway=gateway, version="1.41.0", by="tester")


def test_with_rollback_off_a_bad_soak_is_said_and_the_old_engine_stays_for_people_to_decide(gateway: Gateway) -> None:
    set_policy(gateway, rollback=False, warm_seconds=0)
    updated(gateway)
    count(gateway, "green", requests=200, failures={"NR": 150})
    soaks.watch()
    soaks.watch(now=timezone.now() + timedelta(days=1))
    assert not Operation.objects.filter(kind__in=("rollback", "retire")).exists()
    assert Soak.objects.get().state == "failed"
    assert Event.objects.filter(kind="soak.judged").exists()


def test_errors_of_a_backend_end_no_soak_badly(gateway: Gateway) -> None:
    """The old engine does not get through to it either."""
    updated(gateway)
    count(gateway, "green", requests=200, failures={"UF": 200})
    soaks.watch(now=timezone.now() + timedelta(seconds=61))
    assert Soak.objects.get().state == "passed"
    assert not Quarantine.objects.exists()


def test_an_engine_that_died_meanwhile_is_bad(gateway: Gateway) -> None:
    updated(gateway)
    count(gateway, "green", requests=1)
    driver = driver_of(gateway.target)
    assert isinstance(driver, FakeDriver)
    driver.world.change(gateway.key, lambda state: state["slots"]["green"]["traffic"].update(life="another"))
    soaks.watch()
    assert Soak.objects.get().state == "failed"


def test_a_soak_without_traffic_is_judged_by_probes(gateway: Gateway) -> None:
    updated(gateway)
    soaks.watch(now=timezone.now() + timedelta(seconds=61))
    found = Soak.objects.get()
    assert (found.state, "probes" in found.reason) == ("passed", True)


def test_where_no_route_can_be_probed_there_is_no_verdict(target: Target) -> None:
    gateway = serve_gateway(target=target, text=gateway_yaml() + route_yaml(path="/nothing"))
    updated(gateway)
    soaks.watch(now=timezone.now() + timedelta(seconds=61))
    assert Soak.objects.get().state == "no_verdict"


def test_a_good_soak_ends_with_the_old_engine_retired_and_not_before_it_may_be(gateway: Gateway) -> None:
    updated(gateway)
    begin = timezone.now()
    soaks.watch(now=begin + timedelta(seconds=61))
    soaks.watch(now=begin + timedelta(seconds=200))
    assert not Operation.objects.filter(kind="retire").exists()
    soaks.watch(now=begin + timedelta(seconds=301))
    assert carry_out(Operation.objects.get(kind="retire")).state == "done"
    assert not world(gateway)["slots"]["blue"]["running"]
    assert Soak.objects.get().over_at is not None
    soaks.watch(now=begin + timedelta(seconds=400))
    assert Operation.objects.filter(kind="retire").count() == 1


def test_who_may_stay_until_the_end_keeps_the_old_slot_alive(gateway: Gateway) -> None:
    set_policy(gateway, drain_seconds=None)
    updated(gateway)
    count(gateway, "blue", connections=1)
    begin = timezone.now()
    soaks.watch(now=begin + timedelta(days=1))
    soaks.watch(now=begin + timedelta(days=2))
    assert not Operation.objects.filter(kind="retire").exists()
    count(gateway, "blue", connections=0)
    soaks.watch(now=begin + timedelta(days=3))
    assert Operation.objects.filter(kind="retire").exists()


def test_who_stays_beyond_the_drain_limit_is_cut(gateway: Gateway) -> None:
    set_policy(gateway, drain_seconds=400)
    updated(gateway)
    count(gateway, "blue", connections=1)
    begin = timezone.now()
    soaks.watch(now=begin + timedelta(seconds=61))
    soaks.watch(now=begin + timedelta(seconds=350))
    assert not Operation.objects.filter(kind="retire").exists()
    soaks.watch(now=begin + timedelta(seconds=401))
    assert Operation.objects.filter(kind="retire").exists()


def test_two_looks_at_once_judge_once(gateway: Gateway) -> None:
    updated(gateway)
    count(gateway, "green", requests=200, failures={"NR": 150})
    soaks.watch()
    soaks.watch()
    assert Operation.objects.filter(kind="rollback").count() == 1


# --- checks -----------------------------------------------------------------------------------------------------------


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


# --- backups ----------------------------------------------------------------------------------------------------------


def test_a_restore_brings_routes_ports_backends_and_engine_back(gateway: Gateway, target: Target) -> None:
    made = backups.back_up(gateway=gateway, by="tester")
    updated(gateway)
    text = (
        gateway_yaml(ports=(8081, 8082))
        + route_yaml(path="/changed", backend_port=9009)
        + route_yaml("more", path="/more", with_backend=False)
    )
    apply(text, target=target)
    finish_all()
    operation = carry_out(changes.request_restore(key=made.key, by="tester"))
    assert operation.state == "done", operation.error
    assert serves(gateway) == settings_version()
    assert world(gateway)["edge"]["ports"] == [8080]
    assert [route.name for route in Route.objects.all()] == ["web"]
    assert archives.desired_in(made.key) == archives.objects_of(Gateway.objects.get())


def test_a_restore_never_touches_the_journal_or_the_events(gateway: Gateway) -> None:
    made = backups.back_up(gateway=gateway, by="tester")
    updated(gateway)
    operations, events = set(Operation.objects.values_list("pk")), set(Event.objects.values_list("pk"))
    carry_out(changes.request_restore(key=made.key, by="tester"))
    assert operations < set(Operation.objects.values_list("pk"))
    assert events < set(Event.objects.values_list("pk"))


def test_what_is_there_is_backed_up_before_a_restore(gateway: Gateway) -> None:
    made = backups.back_up(gateway=gateway, by="tester")
    operation = carry_out(changes.request_restore(key=made.key, by="tester"))
    assert operation.result["backup_id"] != made.key
    assert Backup.objects.filter(key=operation.result["backup_id"], state="good").exists()


def test_a_restore_that_the_engine_refuses_leaves_everything_as_it_was(gateway: Gateway, target: Target) -> None:
    apply(gateway_yaml(labels={REJECT_LABEL: "it says no"}), target=target)
    made = backups.back_up(gateway=Gateway.objects.get(), by="tester")
    finish_all()
    apply(gateway_yaml() + route_yaml(path="/kept"), target=target)
    finish_all()
    before = archives.objects_of(Gateway.objects.get())
    operation = carry_out(changes.request_restore(key=made.key, by="tester"))
    finish_all()
    assert operation.state == "rolled_back"
    assert archives.objects_of(Gateway.objects.get()) == before
    assert serves(gateway) == settings_version()


def test_a_gateway_that_is_gone_is_made_anew_from_its_backup(gateway: Gateway) -> None:
    updated(gateway)
    made = backups.back_up(gateway=gateway, by="tester")
    services.request_remove(gateway=gateway, by="tester")
    finish_all()
    Backend.objects.all().delete()
    operation = carry_out(changes.request_restore(key=made.key, by="tester"))
    assert operation.state == "done", operation.error
    again = Gateway.objects.get()
    assert serves(again) == "1.41.0"
    assert Route.objects.count() == 1


def test_a_damaged_backup_is_found_and_not_restored(gateway: Gateway) -> None:
    made = backups.back_up(gateway=gateway, by="tester")
    (file,) = archives.store().folder.glob(f"*{made.key}*/{archives.DESIRED}")
    file.write_text("other\n")
    assert backups.verify(made.key)
    made.refresh_from_db()
    assert made.state == "damaged"
    with pytest.raises(Exception, match="gateway"):
        changes.request_restore(key=made.key, by="tester")
    assert not Operation.objects.filter(kind="restore").exists()


def test_the_catalogue_is_rebuilt_from_what_lies_on_the_disk(gateway: Gateway) -> None:
    made = [backups.back_up(gateway=gateway, by="tester").key for _ in range(3)]
    archives.store().remove(made[0])
    Backup.objects.filter(key=made[1]).delete()
    assert backups.recatalogue() == (1, 1)
    assert {row.key: row.state for row in Backup.objects.all()} == {
        made[0]: "missing",
        made[1]: "good",
        made[2]: "good",
    }


def test_the_last_good_backup_is_not_removed_whoever_asks(gateway: Gateway) -> None:
    set_policy(gateway, keep_backups=1)
    first = backups.back_up(gateway=gateway, by="tester")
    second = backups.back_up(gateway=gateway, by="tester")
    assert [row.key for row in Backup.objects.all()] == [second.key]
    assert archives.store().find(first.key) is None
    with pytest.raises(ConflictError, match="last good"):
        backups.remove(key=second.key, by="tester")


def test_a_drill_restores_the_backup_beside_what_serves_and_leaves_nothing(gateway: Gateway) -> None:
    set_policy(gateway, drill=True)
    operation = updated(gateway)
    assert Backup.objects.get(key=operation.result["backup_id"]).drilled_at is not None
    assert Event.objects.filter(kind="backup.drilled").exists()
