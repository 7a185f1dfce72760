"""status, plan, remove, delete and the rest of op."""

from __future__ import annotations

import os
import pty

import pytest

from tests.egx_project.cli.conftest import Egx, Start
from tests.egx_project.cli.fake_egx import Answer, FakeEgx, changed, operation, problem

GATEWAY = {
    "name": "demo",
    "namespace": "default",
    "target": "local",
    "class": "egx",
    "state": "serving",
    "message": "all well",
    "generation": 3,
    "applied_generation": 3,
    "addresses": ["http://localhost:8080"],
    "listeners": [{"name": "http", "port": 8080, "protocol": "HTTP", "hostname": None, "attached_routes": 0}],
    "slots": [{"name": "blue", "state": "serving", "engine": "envoy", "version": "1.40.0", "generation": 3}],
    "operation": 5,
}


def test_status_says_where_egx_is_and_how_its_gateways_are(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["GET /status"] = Answer(
        {
            "version": "0.1.0",
            "url": "http://localhost:3000",
            "pid": 7,
            "node": "n",
            "data_dir": "/d",
            "gateways": [GATEWAY],
        }
    )
    ran = egx("status")
    assert ran.code == 0
    assert "EGX 0.1.0 is running (pid 7, node n)" in ran.stdout
    assert "http://localhost:3000" in ran.stdout
    assert "demo   serving" in ran.stdout


def test_status_of_a_gateway_tells_its_listeners_slots_and_operation(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["GET /gateways/demo"] = Answer(GATEWAY)
    ran = egx("status", "demo")
    assert ran.code == 0
    for told in (
        "all well",
        "http://localhost:8080",
        "http       8080   HTTP",
        "1.40.0",
        "`egx op follow 5`",
    ):
        assert told in ran.stdout


def test_an_unknown_gateway_is_bad_input(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["GET /gateways/none"] = problem(404, "Not found", "there is no gateway none")
    ran = egx("status", "none")
    assert (ran.code, ran.stderr) == (2, "egx: there is no gateway none\n")


def test_plan_prints_the_steps(egx: Egx, fake: FakeEgx) -> None:
    steps = [{"name": "pull", "cause": "new version"}]
    fake.answers["GET /gateways/demo/plan"] = Answer({"gateway": "demo", "text": "1 pull: new version", "steps": steps})
    ran = egx("plan", "shop/demo", "--to", "1.40.0")
    assert (ran.code, ran.stdout) == (0, "1 pull: new version\n")
    assert fake.seen[0].query == {"namespace": "shop", "to": "1.40.0"}


def test_an_empty_plan_is_said(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["GET /gateways/demo/plan"] = Answer({"gateway": "demo", "text": "", "steps": []})
    assert egx("plan", "demo").stdout == "gateway demo: nothing to do\n"


def test_remove_waits_for_the_end_and_does_not_ask_without_a_terminal(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["DELETE /gateways/demo"] = Answer({"operations": [operation(3, "queued", kind="remove")]}, 202)
    fake.play(3, operation(3, "done", "done", kind="remove"))
    ran = egx("remove", "shop/demo")
    assert (ran.code, ran.stdout) == (0, "gateway demo: remove 3 done\n")
    assert fake.requests("DELETE", "/gateways/demo")[0].query == {"namespace": "shop"}


@pytest.mark.parametrize(("said", "removed"), [(b"n\n", False), (b"y\n", True)])
def test_remove_asks_on_a_terminal(start: Start, fake: FakeEgx, said: bytes, removed: bool) -> None:
    fake.answers["GET /gateways/demo"] = Answer(GATEWAY)
    fake.answers["DELETE /gateways/demo"] = Answer({"operations": []}, 202)
    ours, theirs = pty.openpty()
    try:
        os.write(ours, said)
        ran = start("remove", "demo", stdin=theirs).end()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "Remove gateway default/demo, which serves http://localhost:8080?" in ran.stderr
    assert ran.code == (0 if removed else 1)
    assert bool(fake.requests("DELETE", "/gateways/demo")) is removed


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        (("httproute", "web"), {"kind": "HTTPRoute", "namespace": "default", "name": "web"}),
        (("HTTPRoutes", "shop/web"), {"kind": "HTTPRoute", "namespace": "shop", "name": "web"}),
        (("service", "api", "-n", "shop"), {"kind": "Service", "namespace": "shop", "name": "api"}),
        (("backends", "api"), {"kind": "Backend", "namespace": "default", "name": "api"}),
        (("SecurityPolicy", "p"), {"kind": "SecurityPolicy", "namespace": "default", "name": "p"}),
        (("route", "web"), {"kind": "TLSRoute", "namespace": "default", "name": "web"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_delete_names_one_object(egx: Egx, fake: FakeEgx, arguments: tuple[str, ...], sent: dict[str, str]) -> None:
    fake.answers["GET /routes"] = Answer({"items": [{"kind": "TLSRoute", "namespace": "default", "name": "web"}]})
    fake.answers["POST /delete"] = changed()
    assert egx("delete", *arguments).code == 0
    assert fake.requests("POST", "/delete")[0].body == {"objects": [sent]}


def test_delete_sends_what_manifests_name(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["POST /delete"] = changed(operation(3))
    fake.play(3, operation(3, "done"))
    assert egx("delete", "-f", "-", stdin=b"kind: X\n").code == 0
    assert fake.requests("POST", "/delete")[0].body == {"sources": [{"name": "stdin", "text": "kind: X\n"}]}


def test_deleting_a_gateway_points_to_remove(egx: Egx, fake: FakeEgx) -> None:
    ran = egx("delete", "gateway", "demo")
    assert ran.code == 2
    assert "`egx remove demo`" in ran.stderr


def test_an_operation_is_shown_with_its_steps_and_exit_code_0(egx: Egx, fake: FakeEgx) -> None:
    fake.play(3, operation(3, "failed", "done", "failed", error="no disk", hint="make room", attempt=2))
    ran = egx("op", "show", "3")
    assert ran.code == 0
    lines = ran.stdout.splitlines()
    assert lines[0] == "gateway demo: deploy 3: failed (attempt 2)"
    assert "  no disk" in lines
    assert "  make room" in lines
    assert lines[-1] == "1       start_slot   failed   not there"


@pytest.mark.parametrize(("state", "code"), [("rolled_back", 0), ("done", 1), ("failed", 1)])
def test_a_cancel_is_done_when_the_operation_is_rolled_back(egx: Egx, fake: FakeEgx, state: str, code: int) -> None:
    fake.answers["POST /operations/3/cancel"] = Answer(operation(3, "undoing"), 202)
    fake.play(3, operation(3, "undoing", "undoing"), operation(3, state, "undone"))
    assert egx("op", "cancel", "3").code == code
    fake.play(3, operation(3, state, "undone"))
    ran = egx("op", "cancel", "3", "--json")
    assert (ran.code, ran.json["state"]) == (code, state)


def test_a_cancel_that_comes_too_late_is_refused(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["POST /operations/3/cancel"] = problem(409, "Conflict", "operation 3 has ended")
    assert egx("op", "cancel", "3").code == 4


def test_resume_watches_to_the_end(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["POST /operations/3/resume"] = Answer(operation(3, "queued"), 202)
    fake.play(3, operation(3, "running", "running"), operation(3, "done", "done"))
    ran = egx("op", "resume", "3")
    assert (ran.code, ran.stdout) == (0, "gateway demo: deploy 3 done\n")


WHOLE = {"id": "bk-20260131T120000Z-0a1b2c", "kind": "instance", "gateway": "", "size": 4096}


def test_a_backup_of_everything_is_asked_for_with_its_reason(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["POST /backups"] = Answer(WHOLE, status=201)
    ran = egx("backup", "--all", "--reason", "why")
    assert ran.code == 0
    assert "bk-20260131T120000Z-0a1b2c of the whole instance" in ran.stdout
    assert fake.seen[-1].body == {"reason": "why"}


@pytest.mark.parametrize("arguments", [(), ("demo", "--all")])
def test_a_backup_is_of_one_gateway_or_of_everything(egx: Egx, fake: FakeEgx, arguments: tuple[str, ...]) -> None:
    ran = egx("backup", *arguments)
    assert ran.code == 2
    assert "--all" in ran.stderr
    assert fake.seen == []


def test_a_backup_that_is_not_here_is_restored_by_the_egx_that_knows_it(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["POST /backups/bk-20260131T120000Z-0a1b2c/restore"] = Answer({"operations": [operation(5)]}, 202)
    fake.play(5, operation(5, "done"))
    assert egx("restore", "bk-20260131T120000Z-0a1b2c", "--json").json["operation"] == 5
