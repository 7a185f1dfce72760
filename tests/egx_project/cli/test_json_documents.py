"""`--json`: one document on stdout, whatever happens, wherever the option stands."""

from __future__ import annotations

import pytest

from tests.egx_project.cli.conftest import Egx
from tests.egx_project.cli.fake_egx import Answer, FakeEgx, changed, operation, problem


@pytest.fixture
def busy(fake: FakeEgx) -> FakeEgx:
    gateway = {"name": "demo", "namespace": "default", "state": "serving", "addresses": []}
    fake.answers |= {
        "GET /status": Answer({"version": "1", "gateways": [gateway]}),
        "GET /gateways": Answer({"items": [gateway]}),
        "GET /gateways/demo": Answer(gateway),
        "GET /gateways/demo/plan": Answer({"gateway": "demo", "text": "", "steps": []}),
        "GET /events": Answer({"items": [], "last": 1, "reset": False}),
        "DELETE /gateways/demo": Answer({"operations": [operation()]}, status=202),
        "POST /apply": changed(operation()),
        "POST /delete": changed(operation()),
        "POST /operations/3/cancel": Answer(operation(), status=202),
        "POST /operations/3/resume": Answer(operation(), status=202),
    }
    fake.play(3, operation(3, "done", "done", "done"))
    return fake


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (("status",), {"version", "gateways"}),
        (("status", "demo"), {"name", "namespace", "state", "addresses"}),
        (("get", "gateways"), {"items"}),
        (("get", "gw", "demo"), {"name", "namespace", "state", "addresses"}),
        (("get", "events"), {"items"}),
        (("plan", "demo"), {"gateway", "text", "steps"}),
        (("remove", "demo"), {"operations"}),
        (("remove", "demo", "--no-wait"), {"operations"}),
        (("delete", "httproute", "web"), {"changes", "warnings", "operations"}),
        (("apply", "-f", "-"), {"changes", "warnings", "operations"}),
        (("apply", "-f", "-", "--no-wait"), {"changes", "warnings", "operations"}),
        (("op", "show", "3"), set(operation())),
        (("op", "follow", "3"), set(operation())),
        (("op", "resume", "3"), set(operation())),
        (("op", "resume", "3", "--no-wait"), set(operation())),
        (("op", "cancel", "3", "--no-wait"), set(operation())),
        (("--version",), {"version"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_stdout_is_one_document_with_json_before_and_after_the_command(
    egx: Egx, busy: FakeEgx, arguments: tuple[str, ...], keys: set[str]
) -> None:
    for ran in (egx("--json", *arguments), egx(*arguments, "--json")):
        assert ran.code == 0
        assert set(ran.json) == keys


def test_the_output_option_of_get_is_the_same(egx: Egx, busy: FakeEgx) -> None:
    assert egx("get", "gateways", "-o", "json").json == egx("get", "gateways", "--json").json


def test_json_and_another_form_contradict_each_other(egx: Egx) -> None:
    ran = egx("get", "gateways", "--json", "-o", "yaml")
    assert ran.code == 2
    assert ran.json["error"]["title"] == "Bad input"


def test_an_error_is_a_document_with_its_problems(egx: Egx, fake: FakeEgx) -> None:
    problems = [{"source": "a.yaml", "line": 3, "message": "no"}]
    fake.answers["POST /apply"] = problem(
        400, "Bad input", "1 problem; nothing was changed", hint="mend it", problems=problems
    )
    ran = egx("apply", "-f", "-", "--json")
    assert ran.code == 2
    assert ran.json == {
        "error": {
            "title": "Bad input",
            "detail": "1 problem; nothing was changed",
            "hint": "mend it",
            "status": 400,
            "problems": problems,
        }
    }
    assert ran.stderr == ""


def test_an_egx_that_is_not_there_is_a_document(egx: Egx) -> None:
    ran = egx("get", "gateways", "--json")
    assert ran.code == 3
    assert ran.json["error"]["status"] == 503
    assert ran.json["error"]["hint"] == "`egx up` starts it"


def test_json_after_a_double_dash_is_an_argument(egx: Egx, fake: FakeEgx) -> None:
    ran = egx("status", "--", "--json")
    assert ran.code == 2
    assert ran.stdout == ""


def test_no_command_at_all_is_bad_input_for_json_and_help_for_people(egx: Egx) -> None:
    assert egx("--json").code == 2
    ran = egx()
    assert ran.code == 0
    assert "apply" in ran.stdout
