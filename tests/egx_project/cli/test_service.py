"""`egx service`: it waits until the wish is carried out, and says why where it is not."""

from __future__ import annotations

import json
from typing import Any

from tests.egx_project.cli.conftest import Egx
from tests.egx_project.cli.fake_egx import Answer, FakeEgx


def shown(state: str, **more: Any) -> dict[str, Any]:
    facts = {"target": "docker", "name": "prometheus", "wanted": True, "state": state, "ready": None, "address": ""}
    return {**facts, "problem": "", "hint": "", **more}


def test_start_waits_until_it_is_on_and_says_where(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["PUT /services/docker/prometheus"] = Answer(shown("starting"), status=202)
    fake.answers["GET /services/docker/prometheus"] = Answer(shown("on", address="http://localhost:9090"))
    ran = egx("service", "start", "prometheus")
    assert (ran.code, ran.stdout) == (0, "prometheus is on at http://localhost:9090\n")
    assert fake.seen[0].body == {"wanted": True}


def test_what_could_not_be_started_exits_1_with_the_reason_and_what_to_do(egx: Egx, fake: FakeEgx) -> None:
    failed = shown("failed", problem="port 9090 is in use", hint="use another port")
    fake.answers["PUT /services/docker/prometheus"] = Answer(shown("starting"), status=202)
    fake.answers["GET /services/docker/prometheus"] = Answer(failed)
    ran = egx("service", "start", "prometheus")
    assert ran.code == 1
    assert "port 9090 is in use" in ran.stderr
    assert "use another port; EGX goes on trying" in ran.stderr
    ran = egx("service", "start", "prometheus", "--json")
    assert (ran.code, json.loads(ran.stdout)) == (1, failed)


def test_the_list_says_what_is_there_and_how_it_is(egx: Egx, fake: FakeEgx) -> None:
    items = [shown("on", ready=True, address="test-backend:8000"), shown("failed", problem="no image")]
    fake.answers["GET /services"] = Answer({"items": items})
    ran = egx("service", "list", "--target", "docker")
    assert ran.code == 0
    assert "test-backend:8000" in ran.stdout
    assert "no image" in ran.stdout
