"""Backups, restores and drills as rows and worlds, without an Envoy."""

from __future__ import annotations

import pytest

from deployments import services
from deployments.drivers.fake import REJECT_LABEL
from deployments.models import Operation
from egx_project.events.models import Event
from egx_project.lib.errors import ConflictError
from gateways.models import Backend, Gateway, Route, Target
from tests.builders import apply, carry_out, gateway_yaml, route_yaml, set_policy
from tests.updates.fake_world import finish_all, serves, settings_version, updated, world
from updates import backups as archives
from updates.models import Backup
from updates.services import backups, changes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_backups")]


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
