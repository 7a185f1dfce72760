"""Backups of the whole instance: made, kept, catalogued, and whose they are."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from deployments.models import Operation, Slot
from egx_project.access import people
from egx_project.access import services as access
from egx_project.access.roles import Role
from egx_project.events.models import Event
from egx_project.lib.errors import BadInputError, ConflictError
from gateways.models import Gateway
from tests.api.client import Api
from tests.builders import apply, ask_update, carry_out, fake_target, gateway_yaml, route_yaml, serve_gateway
from updates import backups as archives
from updates.models import Backup, BackupState, Soak
from updates.services import backups, changes, inventory, restored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folder(settings: LazySettings, tmp_path: Path) -> Path:
    """Where backups are: a data directory that no other test, in whatever process, has."""
    settings.EGX_DATA_DIR = tmp_path
    return tmp_path / "backups"


def make() -> Backup:
    return backups.back_up_instance(by="tester")


def test_it_has_every_row_and_says_which_egx_made_it(folder: Path) -> None:
    apply(gateway_yaml(), target=fake_target())
    row = make()
    assert (row.kind, row.state, row.gateway, row.reason) == ("instance", "good", None, "asked for by tester")
    manifest = archives.store().read(row.key)
    assert manifest.subject == "instance/egx"
    assert manifest.facts["gateways"] == 1
    assert {"egx", "python", "envoy"} <= set(manifest.versions)
    if (dump := folder / row.key / "egx.sqlite3").exists():  # else the tests run over PostgreSQL
        with closing(sqlite3.connect(dump)) as rows:
            assert rows.execute("SELECT name FROM gateways_gateway").fetchall() == [("web",)]
    event = Event.objects.latest("number")
    assert (event.kind, event.subject, event.data["backup"]) == ("backup.made", "instance/egx", row.key)


def test_only_so_many_stay_and_never_less_than_the_last_good_one(settings: LazySettings) -> None:
    settings.EGX_BACKUPS_KEPT = 2
    made = [make().key for _ in range(3)]
    for number, key in enumerate(made):  # made within one second, else
        Backup.objects.filter(key=key).update(created_at=timezone.now() - timedelta(minutes=9 - number))
    last = make().key
    assert archives.store().ids() == sorted([made[2], last])
    backups.remove(key=made[2], by="tester")
    with pytest.raises(ConflictError, match="last good backup of the whole instance"):
        backups.remove(key=last, by="tester")
    settings.EGX_BACKUPS_KEPT = 0
    backups.prune_instance()
    assert archives.store().ids() == [last]


def test_those_of_gateways_are_counted_apart(settings: LazySettings) -> None:
    settings.EGX_BACKUPS_KEPT = 1
    gateway = serve_gateway(target=fake_target())
    own = backups.back_up(gateway=gateway, by="tester").key
    make()
    last = make().key
    assert sorted(archives.store().ids()) == sorted([own, last])


def test_while_egx_runs_it_is_not_restored_but_the_way_is_said() -> None:
    row = make()
    with pytest.raises(BadInputError, match="whole instance") as refused:
        changes.request_restore(key=row.key, by="tester")
    assert f"egx restore {row.key}" in refused.value.hint


# --- the catalogue --------------------------------------------------------------------------------------------------


def found() -> set[tuple[str, str]]:
    return {(finding.what, finding.backup) for finding in inventory.findings()}


def test_where_disk_and_catalogue_say_the_same_nothing_is_found() -> None:
    make()
    assert found() == set()


def test_every_difference_is_found_and_what_can_be_is_repaired(folder: Path) -> None:
    lost, forgotten, damaged = (make().key for _ in range(3))
    shutil.rmtree(folder / lost)
    Backup.objects.filter(key=forgotten).delete()
    with next((folder / damaged).glob("egx.*")).open("ab") as file:
        file.write(b"more")
    (folder / f".{lost}.new").mkdir()
    assert found() == {
        ("missing", lost),
        ("not_catalogued", forgotten),
        ("damaged", damaged),
        ("unfinished", lost),
    }
    backups.recatalogue()
    assert found() == {("damaged", damaged)}
    states = dict(Backup.objects.values_list("key", "state"))
    assert states == {lost: BackupState.MISSING, forgotten: BackupState.GOOD, damaged: BackupState.DAMAGED}
    assert not (folder / f".{lost}.new").exists()


# --- who may --------------------------------------------------------------------------------------------------------


def client_of(role: Role) -> Client:
    user = User.objects.create_user(username=role)
    user.groups.add(people.group(role))
    client = Client()
    client.force_login(user)
    return client


def downloaded(client: Client, key: str) -> bytes:
    with closing(client.get(f"/api/v1/backups/{key}/download")) as answer:
        assert answer.status_code == 200
        return bytes(answer.getvalue())


def test_an_admin_makes_one() -> None:
    made = Api().send("POST", "/backups", {"reason": "why"})
    assert (made.status_code, made.json()["kind"], made.json()["reason"]) == (201, "instance", "why")
    assert archives.store().ids() == [made.json()["id"]]


def test_only_admins_make_download_remove_or_take_in_one() -> None:
    row = make()
    other = make()
    packed = downloaded(Api().client, row.key)
    for role in (Role.VIEWER, Role.OPERATOR):
        client = client_of(role)
        assert client.get(f"/api/v1/backups/{row.key}").status_code == 200
        assert client.post("/api/v1/backups").status_code == 403
        assert client.get(f"/api/v1/backups/{row.key}/download").status_code == 403
        assert client.delete(f"/api/v1/backups/{row.key}").status_code == 403
        taken_in = client.post("/api/v1/backups/upload", packed, content_type="application/gzip")
        assert taken_in.status_code == 403
    assert sorted(archives.store().ids()) == sorted([row.key, other.key])
    api = Api()
    assert api.send("DELETE", f"/backups/{row.key}").status_code == 204
    again = api.client.post("/api/v1/backups/upload", packed, content_type="application/gzip")
    assert (again.status_code, again.json()["id"]) == (201, row.key)


def test_a_token_for_operators_does_not_let_its_admin_download_one() -> None:
    row = make()
    user = people.owner()
    _, token = access.create_token(user=user, name="ci", role=Role.OPERATOR, lifetime=timedelta(days=1), by="tester")
    bearer = {"authorization": f"Bearer {token}"}
    assert Client(headers=bearer).get(f"/api/v1/backups/{row.key}/download").status_code == 403
    assert downloaded(Api().client, row.key).startswith(b"\x1f\x8b")


# --- after a restore ------------------------------------------------------------------------------------------------


def test_what_serves_is_configured_and_what_does_not_is_deployed() -> None:
    target = fake_target()
    serve_gateway(target=target)
    apply(gateway_yaml("two", ports=(8081,)) + route_yaml("two", gateway="two"), target=target)
    Operation.objects.filter(gateway__name="two").delete()  # it never came to that
    restored.settle(backup="bk-20260131T120000Z-0a1b2c", kept="/somewhere/egx.sqlite3.before")
    asked = {operation.gateway_name: operation for operation in Operation.objects.filter(requested_by="restore")}
    assert {name: operation.kind for name, operation in asked.items()} == {"web": "configure", "two": "deploy"}
    assert {name: carry_out(operation).state for name, operation in asked.items()} == {"web": "done", "two": "done"}
    event = Event.objects.get(kind="instance.restored")
    assert event.data == {"backup": "bk-20260131T120000Z-0a1b2c", "kept": "egx.sqlite3.before"}


def test_rows_say_which_slot_serves_though_they_said_another() -> None:
    gateway = serve_gateway(target=fake_target())
    before = {row.name: row.state for row in Slot.objects.filter(gateway=gateway)}
    Slot.objects.filter(gateway=gateway).delete()
    Slot.objects.create(gateway=gateway, name="green", state="serving", version="0.9")
    Gateway.objects.filter(pk=gateway.pk).update(engine_version="0.9")
    restored.settle(backup="bk", kept="")
    assert {row.name: row.state for row in Slot.objects.filter(gateway=gateway)} == before == {"blue": "serving"}
    gateway.refresh_from_db()
    assert gateway.engine_version == Slot.objects.get(gateway=gateway).version != "0.9"


def test_operations_that_were_under_way_are_over_and_no_soak_goes_on() -> None:
    gateway = serve_gateway(target=fake_target())
    carry_out(ask_update(gateway))
    assert Soak.objects.filter(over_at=None).exists()
    waiting = changes.request_rollback(gateway=gateway, by="tester")
    restored.settle(backup="bk-of-then", kept="")
    waiting.refresh_from_db()
    assert (waiting.state, "bk-of-then" in waiting.error) == ("rolled_back", True)
    assert not Soak.objects.filter(over_at=None).exists()


def test_it_may_be_repeated() -> None:
    serve_gateway(target=fake_target())
    for _ in range(2):
        restored.settle(backup="bk", kept="")
    asked = Operation.objects.filter(requested_by="restore").order_by("pk")
    assert [operation.state for operation in asked] == ["rolled_back", "queued"]
