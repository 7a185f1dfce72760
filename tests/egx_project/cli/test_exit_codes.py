"""The exit codes that scripts rely on, and what is said with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from egx_project.cli.client import Client
from tests.egx_project.cli.conftest import Egx, Start
from tests.egx_project.cli.fake_egx import Answer, FakeEgx, problem

COMMANDS = [
    ("status",),
    ("get", "gateways"),
    ("plan", "demo"),
    ("remove", "demo"),
    ("delete", "httproute", "web"),
    ("op", "show", "3"),
    ("op", "follow", "3"),
    ("op", "cancel", "3"),
    ("op", "resume", "3"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_without_an_egx_every_command_exits_3_and_says_how_to_start_one(egx: Egx, command: tuple[str, ...]) -> None:
    ran = egx(*command)
    assert ran.code == 3
    assert "EGX is not running here" in ran.stderr
    assert "`egx up` starts it" in ran.stderr
    assert ran.stdout == ""


def test_a_socket_that_nobody_serves_is_the_same(egx: Egx, fake: FakeEgx) -> None:
    fake.stop()
    assert fake.socket.exists()
    assert egx("status").code == 3


def test_a_path_too_long_for_a_socket_is_said(egx: Egx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGX_DATA_DIR", str(tmp_path / ("x" * 120)))
    ran = egx("status")
    assert ran.code == 3
    assert "too long for a Unix socket" in ran.stderr


@pytest.mark.parametrize(
    ("status", "code"), [(400, 2), (404, 2), (422, 2), (401, 4), (403, 4), (409, 4), (500, 1), (503, 3)]
)
def test_an_error_of_egx_is_told_by_the_exit_code(egx: Egx, fake: FakeEgx, status: int, code: int) -> None:
    fake.answers["GET /status"] = problem(status, "Odd", "it is odd", hint="make it even")
    ran = egx("status")
    assert ran.code == code
    assert ran.stderr == "egx: it is odd\n  make it even\n"


def test_an_error_that_is_no_problem_document_is_told_by_its_status(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["GET /status"] = Answer("<html>", status=502, kind="text/html")
    ran = egx("status")
    assert ran.code == 3
    assert "502 Bad Gateway" in ran.stderr


def test_an_answer_that_is_not_json_is_a_failure(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["GET /status"] = Answer("hello", kind="text/plain")
    ran = egx("status")
    assert ran.code == 1
    assert "not JSON" in ran.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("bogus",),
        ("get",),
        ("get", "bogus"),
        ("get", "gateways", "a/b/c"),
        ("get", "gateways", "/demo"),
        ("get", "gateways", "-o", "xml"),
        ("get", "events", "-n", "shop"),
        ("apply",),
        ("apply", "-f", "/nowhere.yaml"),
        ("apply", "-f", "-", "--service", "web"),
        ("delete",),
        ("delete", "httproute"),
        ("delete", "httproute", "web", "-f", "-"),
        ("delete", "gateway", "demo"),
        ("op",),
        ("op", "bogus", "1"),
        ("op", "follow", "3", "--timeout", "-1"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("as_json", [False, True])
def test_bad_input_exits_2(egx: Egx, fake: FakeEgx, arguments: tuple[str, ...], as_json: bool) -> None:
    ran = egx(*(["--json"] if as_json else []), *arguments)
    assert ran.code == 2
    if as_json:
        assert set(ran.json["error"]) == {"title", "detail", "hint", "status", "problems"}
        assert ran.json["error"]["detail"]
    else:
        assert ran.stdout == ""
        assert ran.stderr
    assert not fake.seen


def test_what_nobody_expected_is_one_line_and_exit_code_1(egx: Egx, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object, **__: object) -> None:
        raise RuntimeError("a\nb")

    monkeypatch.setattr(Client, "get", explode)
    ran = egx("status")
    assert ran.code == 1
    assert ran.stderr == "egx: RuntimeError: a b\n  EGX_DEBUG=1 shows the traceback\n"
    monkeypatch.setenv("EGX_DEBUG", "1")
    ran = egx("status", "--json")
    assert "Traceback" in ran.stderr
    assert ran.json["error"]["title"] == "Unexpected error"


def test_a_reader_that_leaves_costs_no_traceback(start: Start, fake: FakeEgx) -> None:
    items = [{"number": n, "at": "", "kind": "x", "subject": "y" * 1000} for n in range(1000)]
    fake.answers["GET /events"] = Answer({"items": items})
    for arguments in (("get", "events"), ("get", "events", "--json"), ("get", "gateways", "demo", "--json")):
        started = start(*arguments)
        assert started.process.stdout is not None
        started.process.stdout.close()
        assert started.process.stderr is not None
        assert started.process.stderr.read() == b""
        started.process.stderr.close()
        started.process.wait(timeout=30)


def test_a_name_cannot_reach_another_path(egx: Egx, fake: FakeEgx) -> None:
    for name in ("a?b=c", "%2e%2e", "a#b", "a/b"):
        egx("op", "show", name)
        egx("plan", name)
    for name in ("..", "", "."):
        assert egx("op", "show", name).code == 2
        assert egx("plan", name).code == 2
    assert [seen.path for seen in fake.seen if seen.path.count("/") not in {2, 3}] == []
    assert {seen.query.get("namespace") for seen in fake.seen} == {None, "a"}
