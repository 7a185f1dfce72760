"""`egx apply`: what is sent, and what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.egx_project.cli.conftest import Egx
from tests.egx_project.cli.fake_egx import Answer, FakeEgx, changed, operation, problem

MANIFEST = b"kind: Gateway\n"


def test_the_manifests_and_options_are_sent(egx: Egx, fake: FakeEgx, tmp_path: Path) -> None:
    fake.answers["POST /apply"] = changed()
    file = tmp_path / "a.yaml"
    file.write_text("kind: HTTPRoute\n")
    options = ("--target", "local", "--service", "web=127.0.0.1:80", "--service", "shop/api=[::1]:81")
    ran = egx("apply", "-f", str(file), "-f", "-", *options, stdin=MANIFEST)
    assert ran.code == 0
    assert fake.requests("POST", "/apply")[0].body == {
        "sources": [
            {"name": str(file), "text": "kind: HTTPRoute\n"},
            {"name": "stdin", "text": "kind: Gateway\n"},
        ],
        "services": ["web=127.0.0.1:80", "shop/api=[::1]:81"],
        "target": "local",
        "dry_run": False,
    }


def test_a_done_apply_sums_up_what_changed(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["POST /apply"] = changed(operation(3, "queued"))
    fake.play(3, operation(3, "running", "done", "running"), operation(3, "done", "done", "done"))
    ran = egx("apply", "-f", "-", stdin=MANIFEST)
    assert ran.code == 0
    assert ran.stdout == "Gateway demo created\nHTTPRoute shop/web changed\ngateway demo: deploy 3 done\n"
    assert ran.stderr.splitlines() == [
        "gateway demo: deploy 3: preflight done",
        "gateway demo: deploy 3: start_slot running",
        "gateway demo: deploy 3: start_slot done",
        "gateway demo: deploy 3: done",
    ]


def test_nothing_to_change_is_done(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["POST /apply"] = Answer({"changes": [], "warnings": [], "operations": []}, status=202)
    ran = egx("apply", "-f", "-", stdin=MANIFEST)
    assert (ran.code, ran.stdout) == (0, "nothing to change\n")


@pytest.mark.parametrize("state", ["failed", "rolled_back"])
def test_an_operation_that_does_not_end_done_exits_1_with_its_reason(egx: Egx, fake: FakeEgx, state: str) -> None:
    ended = operation(3, state, "done", "failed", error="port 8080 is taken", hint="free it")
    fake.answers["POST /apply"] = changed(operation(3, "queued"))
    fake.play(3, ended)
    ran = egx("apply", "-f", "-", stdin=MANIFEST)
    assert ran.code == 1
    assert "port 8080 is taken" in ran.stderr
    assert "free it" in ran.stderr
    ran = egx("apply", "-f", "-", "--json", stdin=MANIFEST)
    assert ran.code == 1
    assert ran.json["operations"] == [ended]


def test_one_failure_among_several_operations_exits_1(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["POST /apply"] = changed(operation(3), operation(4))
    fake.play(3, operation(3, "running"), operation(3, "done"))
    fake.play(4, operation(4, "running"), operation(4, "running"), operation(4, "failed"))
    ran = egx("apply", "-f", "-", "--json", stdin=MANIFEST)
    assert ran.code == 1
    assert [ended["state"] for ended in ran.json["operations"]] == ["done", "failed"]


def test_without_waiting_it_says_how_to_follow(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["POST /apply"] = changed(operation(3, "queued"))
    ran = egx("apply", "-f", "-", "--no-wait", stdin=MANIFEST)
    assert ran.code == 0
    assert "gateway demo: deploy 3 queued: `egx op follow 3`" in ran.stdout
    assert len(fake.seen) == 1


def test_after_the_timeout_the_operation_goes_on(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["POST /apply"] = changed(operation(3, "queued"))
    fake.play(3, operation(3, "running", "running"))
    ran = egx("apply", "-f", "-", "--timeout", "0.3", "--json", stdin=MANIFEST)
    assert ran.code == 1
    assert ran.json["operations"][0]["state"] == "running"
    assert "operation 3 goes on after 0.3 s; `egx op follow 3` follows it" in ran.stderr


def test_a_dry_run_prints_the_changes_and_the_plans(egx: Egx, fake: FakeEgx) -> None:
    document = {
        "changes": [{"action": "create", "kind": "Gateway", "namespace": "default", "name": "demo"}],
        "warnings": [],
        "plans": [{"gateway": "demo", "text": "1 start_slot: not there\n", "steps": []}],
    }
    fake.answers["POST /apply"] = Answer(document)
    ran = egx("apply", "-f", "-", "--dry-run", stdin=MANIFEST)
    assert ran.code == 0
    assert ran.stdout == "Gateway demo would be created\n\ngateway demo:\n1 start_slot: not there\n"
    assert egx("apply", "-f", "-", "--dry-run", "--json", stdin=MANIFEST).json == document
    assert all(seen.body["dry_run"] for seen in fake.requests("POST", "/apply"))


def test_problems_are_lines_that_name_the_place(egx: Egx, fake: FakeEgx) -> None:
    problems = [
        {
            "source": "a.yaml",
            "line": 7,
            "ref": {"kind": "HTTPRoute", "namespace": "shop", "name": "web"},
            "field": "spec.rules[0].matches",
            "message": "is not a list",
            "hint": "put a dash before it",
            "severity": "error",
        },
        {"source": "stdin", "line": 0, "ref": "Gateway demo", "field": "", "message": "no class", "hint": ""},
        {"source": "", "line": 0, "ref": None, "field": "", "message": "\x1b[31mred", "hint": ""},
    ]
    fake.answers["POST /apply"] = problem(400, "Bad input", "3 problems", problems=problems)
    ran = egx("apply", "-f", "-", stdin=MANIFEST)
    assert ran.code == 2
    assert ran.stderr.splitlines() == [
        "a.yaml:7: HTTPRoute shop/web: spec.rules[0].matches: is not a list (put a dash before it)",
        "stdin: Gateway demo: no class",
        "\\x1b[31mred",
        "egx: 3 problems",
    ]


def test_warnings_are_said_and_do_not_fail(egx: Egx, fake: FakeEgx) -> None:
    warning = {"source": "a.yaml", "line": 2, "message": "port 80 needs root", "severity": "warning"}
    fake.answers["POST /apply"] = changed(warnings=[warning])
    ran = egx("apply", "-f", "-", stdin=MANIFEST)
    assert ran.code == 0
    assert ran.stderr == "a.yaml:2: warning: port 80 needs root\n"
    assert egx("apply", "-f", "-", "--json", stdin=MANIFEST).json["warnings"] == [warning]


def test_a_refused_apply_exits_4(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["POST /apply"] = problem(409, "Conflict", "deploy 3 is under way")
    assert egx("apply", "-f", "-", stdin=MANIFEST).code == 4
