"""`egx containers`, `egx expose`, `egx unexpose`: what is sent, and what is said."""

from __future__ import annotations

import json

from tests.egx_project.cli.conftest import Egx
from tests.egx_project.cli.fake_egx import Answer, FakeEgx

SHOP = {
    "name": "shop/web",
    "image": "nginx:1.27",
    "state": "running",
    "health": "healthy",
    "ports": [{"number": 80, "published": []}, {"number": 22, "published": []}],
    "exposures": [{"gateway": "web", "path": "/shop", "host": ""}],
    "offered": [{"path": "/", "host": "shop.localhost"}],
    "problems": ["container shop/web: label egx.route.paht is no label that EGX knows"],
}


def test_containers_are_listed_with_what_is_wrong_with_their_labels(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["GET /containers"] = Answer({"items": [SHOP]})
    ran = egx("containers")
    assert ran.code == 0
    for part in ("shop/web", "running healthy", "80, 22", "web /shop", "shop.localhost/"):
        assert part in ran.stdout
    assert "egx.route.paht" in ran.stderr
    assert json.loads(egx("containers", "--json").stdout) == {"items": [SHOP]}


def test_what_was_not_said_is_not_sent(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["POST /containers/shop%2Fweb/expose"] = Answer({"changes": [], "warnings": [], "operations": []})
    assert egx("expose", "shop/web").code == 0
    assert fake.seen[-1].body == {"keep_path": False, "dry_run": False}
    egx("expose", "shop/web", "--at", "/shop", "--port", "80", "--gateway", "web", "--listen", "8080", "--keep-path")
    assert fake.seen[-1].body == {
        "path": "/shop", "port": 80, "gateway": "web", "listen": 8080, "keep_path": True, "dry_run": False,
    }  # fmt: skip


def test_a_port_that_is_none_is_not_sent_at_all(egx: Egx, fake: FakeEgx) -> None:
    assert egx("expose", "shop", "--port", "70000").code == 2
    assert fake.seen == []


def test_one_path_can_be_taken_back(egx: Egx, fake: FakeEgx) -> None:
    deleted = {"action": "delete", "kind": "HTTPRoute", "namespace": "default", "name": "container-shop"}
    fake.answers["DELETE /containers/shop/expose"] = Answer({"changes": [deleted], "warnings": [], "operations": []})
    ran = egx("unexpose", "shop", "--at", "/shop")
    assert (ran.code, ran.stdout) == (0, "HTTPRoute container-shop deleted\n")
