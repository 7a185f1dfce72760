"""EGX over PostgreSQL and Redis, with two web servers and two workers."""

from __future__ import annotations

import json

import pytest
from websockets.sync.client import connect

from tests.acceptance.flow import Script, live
from tests.e2e.running import quiet_port
from tests.services.stack import WEBS, Stack

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


def test_a_gateway_is_made_changed_watched_and_removed(script: Script, backend: int) -> None:
    live(script, port=quiet_port(), backend_port=backend)


def test_what_one_server_commits_is_told_by_the_other_at_once(stack: Stack, script: Script) -> None:
    authorization = script.servers[0].headers["authorization"]
    url = f"ws://127.0.0.1:{stack.ports[WEBS[1]]}/ws/events"
    with connect(url, additional_headers={"Authorization": authorization}, proxy=None) as socket:
        first = json.loads(socket.recv(timeout=20))
        made = script.servers[0].post("/login-links", json={})
        assert made.is_success, made.text
        told = json.loads(socket.recv(timeout=20))
    assert [event["kind"] for event in told["events"]] == ["user.login_link"]
    assert told["last"] == first["last"] + 1
