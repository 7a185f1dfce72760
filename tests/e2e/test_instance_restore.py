"""All of EGX put away, and brought back while it is stopped: what serves goes on serving, as the backup has it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from egx_project.lib.clock import SystemClock
from egx_project.settings.location import socket_path
from tests.builders import gateway_yaml, route_yaml
from tests.e2e.running import Egx, get, is_listening, quiet_port
from tests.load import Load
from updates.archives.store import ArchiveStore
from updates.instance import restoring

PASSPHRASE = "correct horse battery staple"


def apply(egx: Egx, text: str) -> None:
    egx.do("apply", "-f", "-", stdin=text)


def back_up(egx: Egx) -> str:
    return str(egx.do("backup", "--all", "--reason", "before the great change", "--json").json["id"])


def backups_in(egx: Egx) -> dict[str, Any]:
    return {item["id"]: item for item in egx.ask("/backups")["items"]}


def gateways_in(egx: Egx) -> dict[str, str]:
    return {item["name"]: item["state"] for item in egx.ask("/gateways")["items"]}


def settled(egx: Egx) -> None:
    for operation in egx.ask("/operations")["items"]:
        egx.operation_in(operation["id"], "done", "rolled_back")


def test_what_changed_since_the_backup_is_undone_and_no_request_is_lost(egx: Egx, backend: int) -> None:
    port, later = quiet_port(), quiet_port()
    egx.do("up", "-d", "--no-demo")
    apply(egx, gateway_yaml("web", ports=(port,)) + route_yaml("web", gateway="web", path="/a", backend_port=backend))
    apply(egx, route_yaml("stays", gateway="web", path="/stays", backend_port=backend))
    before = egx.everything()["manifests"]
    key = back_up(egx)
    assert backups_in(egx)[key] == backups_in(egx)[key] | {"kind": "instance", "state": "good", "gateway": ""}

    apply(egx, route_yaml("web", gateway="web", path="/b", backend_port=backend))
    apply(egx, route_yaml("web", gateway="web", path="/c", backend_port=backend))
    new = gateway_yaml("later", ports=(later,)) + route_yaml("later", gateway="later", backend_port=backend)
    apply(egx, new)
    events = egx.ask("/events")["last"]
    operations = {item["id"] for item in egx.ask("/operations")["items"]}
    assert (get(port, "/a").status, get(port, "/c").status, get(later).status) == (404, 200, 200)

    refused = egx.run("restore", key)
    assert refused.code == 4, refused
    assert "egx down" in refused.err
    egx.do("down")
    with Load(port, path="/stays") as load:
        done = egx.do("restore", key, "--json").json
        assert done["restored"] == key
        egx.do("up", "-d", "--no-demo")
        settled(egx)
    assert load.failures == []

    assert egx.everything()["manifests"] == before
    assert gateways_in(egx) == {"web": "serving"}
    assert (get(port, "/a").status, get(port, "/c").status) == (200, 404)
    assert not is_listening(later)
    assert egx.ask("/events", since=events)["reset"]
    new_operations = {item["id"] for item in egx.ask("/operations")["items"]} - operations
    assert new_operations
    assert min(new_operations) > max(operations)
    assert key in backups_in(egx)  # though its database was written before it was in any catalogue
    with closing(sqlite3.connect(done["kept"])) as kept:
        assert {name for (name,) in kept.execute("SELECT name FROM gateways_gateway")} == {"web", "later"}

    apply(egx, gateway_yaml("later", ports=(later,)) + route_yaml("later", gateway="later", backend_port=backend))
    assert get(later).status == 200


def test_on_a_machine_that_has_nothing_but_the_backup_everything_comes_up_with_its_own_key(backend: int) -> None:
    port = quiet_port()
    with Egx(EGX_BACKUP_PASSPHRASE=PASSPHRASE, EGX_NODE="here") as old, Egx(EGX_NODE="here") as new:
        old.do("up", "-d", "--no-demo")
        apply(old, gateway_yaml("web", ports=(port,)) + route_yaml("web", gateway="web", backend_port=backend))
        key = back_up(old)
        secret = (old.home / "secret_key").read_bytes()
        old.do("down", "--gateways")
        assert not is_listening(port)
        shutil.copytree(old.home / "backups", new.home / "backups")

        wrong = new.run("restore", key, EGX_BACKUP_PASSPHRASE="another")
        assert wrong.code == 2, wrong
        assert "passphrase" in wrong.err
        assert not (new.home / "egx.sqlite3").exists()
        said = new.run("restore", key, "--json", EGX_BACKUP_PASSPHRASE=PASSPHRASE)
        assert (said.code, said.json["secret_key"]) == (0, True), said
        assert (new.home / "secret_key").read_bytes() == secret
        new.do("up", "-d", "--no-demo")
        settled(new)
        assert get(port).status == 200
        assert gateways_in(new) == {"web": "serving"}


def test_a_database_that_is_ruined_comes_back_while_gateways_serve(egx: Egx, backend: int) -> None:
    port = quiet_port()
    egx.do("up", "-d", "--no-demo")
    apply(egx, gateway_yaml("web", ports=(port,)) + route_yaml("web", gateway="web", path="/a", backend_port=backend))
    key = back_up(egx)
    apply(egx, route_yaml("web", gateway="web", path="/b", backend_port=backend))
    egx.do("down")
    ruined = b"no database at all" * 1000
    for log in ("-wal", "-shm"):
        (egx.home / f"egx.sqlite3{log}").unlink(missing_ok=True)
    (egx.home / "egx.sqlite3").write_bytes(ruined)

    done = egx.do("restore", key, "--json").json
    assert Path(done["kept"]).read_bytes() == ruined
    egx.do("up", "-d", "--no-demo")
    settled(egx)
    assert get(port, "/a").status == 200
    apply(egx, route_yaml("web", gateway="web", path="/c", backend_port=backend))
    assert get(port, "/c").status == 200


def test_a_request_that_is_sent_twice_makes_one_backup(egx: Egx) -> None:
    egx.do("up", "-d", "--no-demo")
    door = httpx.HTTPTransport(uds=str(socket_path(egx.home)))
    with httpx.Client(transport=door, base_url="http://egx", headers={"Idempotency-Key": "once"}) as client:
        first, second = (client.post("/api/v1/backups", json={"reason": "why"}, timeout=30) for _ in range(2))
    assert (first.status_code, first.json()["reason"]) == (201, "why")
    assert second.json() == first.json()
    assert list(backups_in(egx)) == [first.json()["id"]]


def test_a_restore_that_was_killed_once_it_had_begun_is_finished_by_the_next_up(egx: Egx) -> None:
    egx.do("up", "-d", "--no-demo")
    key = back_up(egx)
    egx.do("token", "create", "later")
    egx.do("down")
    restoring.prepare(  # and its process is gone
        ArchiveStore(egx.home / "backups", clock=SystemClock()),
        key,
        home=egx.home,
        database=egx.home / "egx.sqlite3",
        passphrase="",
        judge=lambda _: None,
        something_runs=False,
    )
    egx.do("up", "-d", "--no-demo")
    assert egx.do("token", "list", "--json").json["items"] == []
    assert [event["kind"] for event in egx.ask("/events")["items"]].count("instance.restored") == 1
    egx.do("down")
    egx.do("up", "-d", "--no-demo")
    assert [event["kind"] for event in egx.ask("/events")["items"]].count("instance.restored") == 1


def test_a_backup_that_is_damaged_is_not_restored(egx: Egx) -> None:
    egx.do("up", "-d", "--no-demo")
    key = back_up(egx)
    egx.do("down")
    with (egx.home / "backups" / key / "egx.sqlite3").open("r+b") as file:
        file.seek(5000)
        file.write(b"changed")
    rows = (egx.home / "egx.sqlite3").read_bytes()
    said = egx.run("restore", key)
    assert said.code == 2, said
    assert "SHA-256" in said.err
    assert (egx.home / "egx.sqlite3").read_bytes() == rows


def test_the_doctor_says_where_catalogue_and_disk_differ_and_repairs_it_while_egx_runs_or_not(egx: Egx) -> None:
    assert egx.run("doctor").code == 2  # there is nothing yet, and it makes nothing
    assert not (egx.home / "egx.sqlite3").exists()
    egx.do("up", "-d", "--no-demo")
    key, gone = back_up(egx), back_up(egx)
    assert egx.do("doctor", "--json").json == {"findings": [], "repaired": []}

    folder = egx.home / "backups"
    shutil.rmtree(folder / gone)
    (folder / f".{gone}.new").mkdir()
    egx.python(f"from updates.models import Backup; Backup.objects.filter(key={key!r}).delete()")
    found = egx.run("doctor", "--json")
    assert found.code == 1, found
    assert {(one["what"], one["backup"]) for one in found.json["findings"]} == {
        ("not_catalogued", key),
        ("missing", gone),
        ("unfinished", gone),
    }
    egx.do("down")
    repaired = egx.do("doctor", "--repair", "--json").json
    assert repaired == {"findings": [], "repaired": found.json["findings"]}
    egx.do("up", "-d", "--no-demo")
    assert {one: item["state"] for one, item in backups_in(egx).items()} == {key: "good", gone: "missing"}
    assert json.loads((folder / key / "manifest.json").read_text())["kind"] == "instance"
