from __future__ import annotations

import subprocess
import sys
from http import HTTPStatus

from tests.e2e.running import Egx, get


def test_up_on_an_empty_data_directory_ends_with_a_gateway_that_serves_and_a_dashboard(egx: Egx) -> None:
    egx.do("up", "-d")
    answer = get(egx.demo_port, "/hello?a=b")
    assert answer.status == HTTPStatus.OK
    assert (answer.json["instance"], answer.json["path"], answer.json["query"]) == ("demo", "/hello", {"a": "b"})

    with egx.browsing() as browser:
        page = browser.get("/")
    assert page.status_code == HTTPStatus.OK
    assert 'data-state="serving"' in page.text
    assert f"http://localhost:{egx.demo_port}" in page.text
    health = get(egx.port, "/health")
    assert (health.status, health.json["status"]) == (HTTPStatus.OK, "healthy")
    assert {check["status"] for check in health.json["checks"].values()} == {"pass"}
    assert get(egx.port, "/health/live").status == HTTPStatus.OK
    assert get(egx.port, "/health/ready").status == HTTPStatus.OK
    assert get(egx.port, "/api/v1/gateways").status == HTTPStatus.UNAUTHORIZED

    first = egx.pid()
    for again in (egx.do("up", "-d"), egx.do("up")):
        assert f"http://localhost:{egx.port}" in again.out
        assert f"pid {first}" in again.out
    said = egx.do("up", "-d", "--json").json
    assert said["url"] == f"http://localhost:{egx.port}"
    assert said["login"].startswith(f"http://localhost:{egx.port}/login/")
    assert egx.pid() == first
    assert [gateway["name"] for gateway in egx.ask("/gateways")["items"]] == ["demo"]


def test_two_ups_at_once_make_one_egx_and_both_end_well(egx: Egx) -> None:
    argv = [sys.executable, "-m", "egx_project.cli", "up", "-d", "--no-demo"]
    both = [
        subprocess.Popen(argv, env=egx.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert all(f"pid {egx.pid()}" in out for out, _err in said), said
