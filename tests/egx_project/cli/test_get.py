"""`egx get`: kinds, names and forms."""

from __future__ import annotations

import os

import pytest
import yaml

from tests.egx_project.cli.conftest import Egx, Start
from tests.egx_project.cli.fake_egx import Answer, FakeEgx, operation

GATEWAY = {
    "name": "demo",
    "namespace": "default",
    "target": "local",
    "class": "egx",
    "state": "serving",
    "message": "",
    "generation": 3,
    "applied_generation": 2,
    "addresses": ["http://localhost:8080"],
}


def route(kind: str = "HTTPRoute", namespace: str = "default", name: str = "web") -> dict[str, object]:
    manifest = {"kind": kind, "metadata": {"name": name}}
    return {"kind": kind, "namespace": namespace, "name": name, "hostnames": ["a.b"], "manifest": manifest}


def test_a_table_has_aligned_columns_and_none_that_is_empty(egx: Egx, fake: FakeEgx) -> None:
    other = GATEWAY | {
        "name": "api",
        "namespace": "shop",
        "state": "failed",
        "generation": 2,
        "addresses": [],
    }
    fake.answers["GET /gateways"] = Answer({"items": [GATEWAY, other]})
    ran = egx("get", "gateways")
    assert ran.code == 0
    assert ran.stdout.splitlines() == [
        "NAME       STATE     TARGET   CLASS   ADDRESSES               GENERATION",
        "demo       serving   local    egx     http://localhost:8080   2 of 3",
        "shop/api   failed    local    egx     -                       2",
    ]


@pytest.mark.parametrize("kind", ["gateways", "gateway", "gw", "Gateways"])
def test_kinds_may_be_singular_or_short(egx: Egx, fake: FakeEgx, kind: str) -> None:
    fake.answers["GET /gateways"] = Answer({"items": [GATEWAY]})
    assert egx("get", kind).code == 0


@pytest.mark.parametrize("kind", ["routes", "operations", "releases", "backups", "targets", "events"])
def test_every_kind_is_listed_in_every_form(egx: Egx, fake: FakeEgx, kind: str) -> None:
    item = {"id": 1, "name": "x", "version": "1.2.3", "number": 4, "kind": "k"}
    fake.answers[f"GET /{kind}"] = Answer({"items": [item]})
    fake.answers["GET /export"] = Answer("kind: k\n", kind="text/yaml")
    assert len(egx("get", kind).stdout.splitlines()) == 2
    assert egx("get", kind, "--json").json == {"items": [item]}
    assert yaml.safe_load(egx("get", kind, "-o", "yaml").stdout)


def test_nothing_is_said_beside_stdout(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["GET /gateways"] = Answer({"items": []})
    ran = egx("get", "gateways")
    assert (ran.code, ran.stdout, ran.stderr) == (0, "", "no gateways\n")


def test_a_name_may_carry_its_namespace(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["GET /gateways/demo"] = Answer(GATEWAY)
    assert egx("get", "gw", "shop/demo", "--json").json == GATEWAY
    egx("get", "gw", "demo", "-n", "shop")
    egx("get", "gw", "demo")
    assert [seen.query for seen in fake.seen] == [{"namespace": "shop"}, {"namespace": "shop"}, {}]


def test_one_route_is_found_by_name_and_kind(egx: Egx, fake: FakeEgx) -> None:
    items = [route(), route("TCPRoute")]
    fake.answers["GET /routes"] = lambda seen: Answer({"items": items if seen.query.get("name") == "web" else []})
    assert egx("get", "tcproute", "web", "--json").json["kind"] == "TCPRoute"
    ran = egx("get", "route", "web")
    assert ran.code == 2
    assert "HTTPRoute web, TCPRoute web" in ran.stderr
    assert egx("get", "route", "other").code == 2


def test_one_operation_or_backup_is_found_by_its_number(egx: Egx, fake: FakeEgx) -> None:
    fake.play(3, operation(3, "done"))
    fake.answers["GET /backups"] = Answer({"items": [{"id": 1, "gateway": "a"}, {"id": 2, "gateway": "b"}]})
    assert egx("get", "op", "3", "--json").json["id"] == 3
    assert egx("get", "backup", "2", "--json").json["gateway"] == "b"
    assert egx("get", "backup", "9").code == 2


def test_manifests_come_from_the_export(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["GET /export"] = Answer("kind: Gateway\n", kind="text/yaml")
    ran = egx("get", "gateways", "shop/demo", "-o", "yaml")
    assert (ran.code, ran.stdout) == (0, "kind: Gateway\n")
    assert fake.seen[0].query == {"kind": "gateways", "name": "demo", "namespace": "shop"}


def test_manifests_of_one_kind_of_route_are_documents(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["GET /routes"] = Answer({"items": [route(), route("TCPRoute"), route(name="b")]})
    documents = list(yaml.safe_load_all(egx("get", "httproutes", "-o", "yaml").stdout))
    assert [document["metadata"]["name"] for document in documents] == ["web", "b"]


def test_what_stdout_cannot_encode_is_escaped(start: Start, fake: FakeEgx) -> None:
    fake.answers["GET /gateways"] = Answer({"items": [GATEWAY | {"message": "gr\u00fcn \ud800 \u2713"}]})
    for encoding in ("utf-8", "latin-1"):
        ran = start("get", "gateways", env=os.environ | {"PYTHONIOENCODING": encoding}).end(encoding)
        assert ran.code == 0
        assert "gr\u00fcn \\ud800 " in ran.stdout


def test_what_a_terminal_would_obey_is_shown_instead(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["GET /gateways"] = Answer({"items": [GATEWAY | {"message": "\x1b]0;title\x07\nx"}]})
    ran = egx("get", "gateways")
    assert "\x1b" not in ran.stdout
    assert len(ran.stdout.splitlines()) == 2
