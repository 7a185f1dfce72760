"""An Envoy's admin interface over its Unix socket."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx

from deployments.drivers.base import DriverError

SECONDS = 5.0


class AdminError(DriverError):
    """The Envoy does not answer."""


def _transport(socket: Path) -> httpx.HTTPTransport:
    # Plain HTTP: without this, each client would load the machine's certificates.
    return httpx.HTTPTransport(uds=str(socket), verify=False)


class Admin:
    def __init__(self, socket: Path) -> None:
        self.socket = socket

    def get(self, path: str, **query: str) -> str:
        return self._ask("GET", path, query)

    def get_json(self, path: str, **query: str) -> Any:  # noqa: ANN401
        return json.loads(self.get(path, **query))

    def post(self, path: str) -> str:
        return self._ask("POST", path, {})

    def _ask(self, method: str, path: str, query: dict[str, str]) -> str:
        try:
            with httpx.Client(transport=_transport(self.socket), timeout=SECONDS, trust_env=False) as client:
                answer = client.request(method, f"http://envoy{path}", params=query)
        except (httpx.TransportError, OSError) as error:
            raise AdminError(f"the Envoy at {self.socket} does not answer: {type(error).__name__}") from error
        if path != "/ready" and answer.is_error:
            raise AdminError(f"the Envoy at {self.socket} answers {answer.status_code} to {path}")
        return answer.text

    def state(self) -> str:
        """`LIVE`, `DRAINING`, `PRE_INITIALIZING` or `INITIALIZING`; empty where nothing answers."""
        try:
            return self.get("/ready").strip()
        except AdminError:
            return ""

    def stats(self, pattern: str) -> dict[str, int]:
        """Counters and gauges whose names match."""
        found = self.get_json("/stats", format="json", filter=pattern)["stats"]
        return {
            stat["name"]: int(stat["value"]) for stat in found if "value" in stat and not isinstance(stat["value"], str)
        }

    def texts(self, pattern: str) -> dict[str, str]:
        """Text readouts whose names match, such as the versions of what file subscriptions loaded."""
        found = self.get("/stats", filter=pattern, type="TextReadouts")
        return dict(re.findall(r'^(\S+): "(.*)"$', found, flags=re.MULTILINE))

    def connections(self) -> int:
        """Open downstream connections, the admin's and the workers' own counts aside."""
        found = self.stats(r"^listener\..*downstream_cx_active$")
        return sum(value for name, value in found.items() if ".admin." not in name and "worker_" not in name)
