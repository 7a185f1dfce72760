"""Soaks and how they end, as rows and worlds, without an Envoy."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments.drivers.fake import FakeDriver
from deployments.models import Operation
from deployments.tasks import driver_of
from egx_project.events.models import Event
from egx_project.lib.errors import ConflictError
from gateways.models import Gateway, Target
from tests.builders import carry_out, gateway_yaml, route_yaml, serve_gateway, set_policy
from tests.updates.fake_world import count, serves, settings_version, updated, world
from updates.models import Quarantine, Soak
from updates.services import changes, soaks

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_backups")]


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
