"""What a user does over HTTP, on any stack: make a gateway, change a route, watch, remove."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import httpx

from egx_project.lib.clock import SystemClock, wait_for
from tests.api.client import backend, gateway, route
from tests.e2e.running import get, is_listening

ENDED = frozenset({"done", "rolled_back", "failed"})
OPERATION_SECONDS = 90.0


class Script:
    """A script with an API token that asks several servers in turn."""

    def __init__(self, urls: Sequence[str], token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self.servers = [
            httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=40, trust_env=False) for url in urls
        ]
        self._turns = itertools.cycle(self.servers)

    def ask(self, method: str, path: str, body: object = None, **params: str | int) -> Any:
        """The answer's JSON; it must be a good one."""
        answer = next(self._turns).request(method, path, json=body, params=params)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def follow(self, changed: dict[str, Any]) -> list[str]:
        """The kinds of events of the one operation that was asked for, until it has ended done."""
        (operation,) = changed["operations"]
        kinds: list[str] = []
        last = 0
        while "operation.finished" not in kinds:
            page = self.ask("GET", "/events", since=last, operation=operation["id"], wait=20)
            kinds += [event["kind"] for event in page["items"]]
            last = page["last"]
        assert self.ask("GET", f"/operations/{operation['id']}")["state"] == "done"
        return kinds

    def ended(self, number: int) -> dict[str, Any]:
        """The operation, once it has ended, whatever servers die meanwhile."""

        def look() -> dict[str, Any] | None:
            try:
                found: dict[str, Any] = next(self._turns).get(f"/operations/{number}").json()
            except (httpx.TransportError, ValueError):
                return None
            return found if found.get("state") in ENDED else None

        found = wait_for(look, clock=SystemClock(), seconds=OPERATION_SECONDS, every=0.1)
        assert found is not None, f"operation {number} has not ended"
        return found

    def close(self) -> None:
        for server in self.servers:
            server.close()


def live(script: Script, *, port: int, backend_port: int, name: str = "flow") -> None:
    """A gateway's whole life."""
    script.ask("PUT", f"/backends/Backend/{name}", {**backend(port=backend_port), "metadata": {"name": name}})
    kinds = script.follow(script.ask("PUT", f"/gateways/{name}", gateway(name, port=port)))
    assert kinds[0] == "operation.queued"
    script.follow(script.ask("PUT", f"/routes/HTTPRoute/{name}", _route(name, "/")))
    assert (get(port, "/a").status, get(port, "/a").json["path"]) == (200, "/a")
    script.follow(script.ask("PUT", f"/routes/HTTPRoute/{name}", _route(name, "/shop")))
    assert [get(port, path).status for path in ("/a", "/shop")] == [404, 200]
    assert script.ask("GET", f"/gateways/{name}")["state"] == "serving"
    script.follow(script.ask("DELETE", f"/gateways/{name}"))
    script.ask("DELETE", f"/backends/Backend/{name}")
    assert not is_listening(port)
    assert name not in {item["name"] for item in script.ask("GET", "/gateways")["items"]}


def _route(name: str, path: str) -> dict[str, Any]:
    made = route(name, gateway=name, path=path)
    made["spec"]["rules"][0]["backendRefs"][0]["name"] = name
    return made
