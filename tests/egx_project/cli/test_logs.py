"""`egx logs`: pages one after another, and each request as what it is in JSON."""

from __future__ import annotations

import json

from tests.egx_project.cli.conftest import Egx
from tests.egx_project.cli.fake_egx import Answer, FakeEgx

REQUEST = {"start_time": "2026-11-26T00:00:00.000Z", "status": 200}
ACCESS = {"at": "2026-11-26T00:00:00.123456789Z", "kind": "access", "source": "blue-3", "text": json.dumps(REQUEST)}
ENGINE = {**ACCESS, "kind": "engine", "text": "started"}


def test_the_last_lines_are_shown_oldest_first(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["GET /gateways/web/logs"] = Answer({"items": [ENGINE, ACCESS], "after": "x", "more": False})
    ran = egx("logs", "show", "shop/web", "--engine", "--lines", "5")
    assert ran.code == 0
    assert ran.stdout.splitlines()[0] == "2026-11-26T00:00:00.123Z blue-3     started"
    assert fake.seen[0].query == {"namespace": "shop", "kind": "engine", "limit": "5"}


def test_a_request_is_json_in_the_document(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["GET /gateways/web/logs"] = Answer({"items": [ACCESS], "after": "x", "more": False})
    ran = egx("logs", "show", "web", "--since", "10m", "--json")
    assert json.loads(ran.stdout) == {"items": [{**ACCESS, "request": REQUEST}]}
    assert fake.seen[0].query["since"] == "10m"


def test_what_does_not_go_together_is_refused(egx: Egx) -> None:
    assert egx("logs", "show", "web", "--access", "--engine").code == 2
    assert egx("logs", "show", "web", "-f", "--json").code == 2
