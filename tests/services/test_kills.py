"""Any one of the processes dies while routes change under load: every change that was taken is made, none is lost."""

from __future__ import annotations

import http.client
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from egx_project.lib.clock import SystemClock, wait_for
from tests.acceptance.flow import Script
from tests.api.client import backend as backend_object
from tests.api.client import gateway, route
from tests.e2e.running import await_that, quiet_port
from tests.load import Load
from tests.services.machines import Redis
from tests.services.stack import Stack

pytestmark = [pytest.mark.services, pytest.mark.timeout(400)]

CHANGES = 10
KILL_AT = 3
TAKEN_SECONDS = 60.0

VICTIMS: dict[str, Callable[[Stack], None]] = {
    "a web server": lambda stack: stack.kill("web-1"),
    "the other web server": lambda stack: stack.kill("web-2"),
    "a worker": lambda stack: stack.kill("worker-1"),
    "the other worker": lambda stack: stack.kill("worker-2"),
    "beat": lambda stack: stack.kill("beat"),
    "Redis": lambda stack: _again(stack.redis.kill, stack.redis.start),
    "what Redis holds": lambda stack: _flush(stack.redis),
    "PostgreSQL": lambda stack: stack.postgresql.crash(),
}


def _again(kill: Callable[[], None], start: Callable[[], None]) -> None:
    kill()
    start()


def _flush(server: Redis) -> None:
    import redis

    with redis.Redis.from_url(server.url) as client:
        client.flushall()


@dataclass
class Served:
    """A gateway that serves, and how its route is changed."""

    stack: Stack
    script: Script
    port: int
    change: int = 0

    def take_change(self) -> int | None:
        """Ask for the next change until it is taken, as a script does that may not lose one; its operation."""
        self.change += 1
        key = {"Idempotency-Key": uuid.uuid4().hex}
        body = self._route()

        def ask() -> httpx.Response | None:
            for server in self.script.servers:
                try:
                    answer = server.put("/routes/HTTPRoute/kill", json=body, headers=key)
                except httpx.TransportError:
                    continue
                if answer.status_code < 500:
                    return answer
            return None

        answer = wait_for(ask, clock=SystemClock(), seconds=TAKEN_SECONDS, every=0.1)
        assert answer is not None, "no server takes a change"
        assert answer.status_code in {200, 202}, answer.text
        operations = answer.json()["operations"]
        return operations[0]["id"] if operations else None

    def _route(self) -> dict[str, Any]:
        made = route("kill", gateway="kill")
        rule = made["spec"]["rules"][0]
        rule["backendRefs"][0]["name"] = "kill"
        header = {"name": "x-live", "value": str(self.change)}
        rule["filters"] = [{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [header]}}]
        return made

    def live(self) -> str:
        """The number of the change that is served."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/")
        found = connection.getresponse().getheader("x-live", "")
        connection.close()
        return found


@pytest.fixture(scope="module")
def served(running: tuple[Stack, Script], backend: int) -> Served:
    stack, script = running
    port = quiet_port()
    script.ask("PUT", "/backends/Backend/kill", {**backend_object(port=backend), "metadata": {"name": "kill"}})
    script.follow(script.ask("PUT", "/gateways/kill", gateway("kill", port=port)))
    made = Served(stack, script, port)
    number = made.take_change()
    assert number is not None
    assert script.ended(number)["state"] == "done"
    return made


@pytest.mark.parametrize("victim", VICTIMS)
def test_whichever_dies_every_change_is_made_and_no_request_is_lost(served: Served, victim: str) -> None:
    taken: set[int] = set()
    with Load(served.port) as load:
        for number in range(CHANGES):
            operation = served.take_change()
            taken |= {operation} if operation else set()
            if number == KILL_AT:
                VICTIMS[victim](served.stack)
        ended = {number: served.script.ended(number) for number in taken}
        await_that(lambda: served.live() == str(served.change) or None, "the newest change is served", seconds=60)
    assert {number: one["state"] for number, one in ended.items()} == dict.fromkeys(taken, "done"), ended
    assert load.failures == []
    assert load.answered
    assert served.script.ask("GET", "/gateways/kill")["state"] == "serving"


def test_a_replacement_of_the_engine_outlives_its_worker(served: Served) -> None:
    ask = (
        "from deployments.services import request_deploy\n"
        "from gateways.models import Gateway\n"
        "gateway = Gateway.objects.get(name='kill')\n"
        "print(request_deploy(gateway=gateway, by='test').pk)"
    )
    number = int(served.stack.python(ask))
    with Load(served.port) as load:
        for name in ("worker-1", "worker-2"):
            served.stack.kill(name)
        ended = served.script.ended(number)
    assert ended["state"] == "done", ended
    assert load.failures == []


def test_a_message_that_comes_many_times_is_work_that_is_done_once(served: Served) -> None:
    number = served.take_change()
    assert number is not None
    served.stack.python(
        "from deployments.sending import send\n"
        "from deployments.tasks import run_operation\n"
        f"for _ in range(5): send(run_operation, {number}, node='here')"
    )
    ended = served.script.ended(number)
    assert (ended["state"], ended["attempt"]) == ("done", 1)
