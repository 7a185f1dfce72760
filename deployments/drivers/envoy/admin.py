"""An Envoy's admin interface, wherever it is."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from deployments.drivers.base import SilentError

SECONDS = 5.0


class AdminError(SilentError):
    """The Envoy does not answer."""


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket. A change asks Envoy a dozen times, and a client library costs more than the answer."""

    def __init__(self, path: Path, *, host: str = "envoy", timeout: float = SECONDS) -> None:
        super().__init__(host, timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Admin:
    def __init__(self, connect: Callable[[], http.client.HTTPConnection], *, place: str) -> None:
        self.connect = connect
        self.place = place
        """As errors name it."""

    @classmethod
    def over_socket(cls, path: Path) -> Admin:
        return cls(partial(UnixConnection, path), place=str(path))

    def get(self, path: str, **query: str) -> str:
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path)

    def get_json(self, path: str, **query: str) -> Any:  # noqa: ANN401
        return json.loads(self.get(path, **query))

    def post(self, path: str) -> str:
        return self._ask("POST", path)

    def _ask(self, method: str, path: str) -> str:
        try:
            with contextlib.closing(self.connect()) as connection:
                connection.request(method, path)
                answer = connection.getresponse()
                text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise AdminError(f"the Envoy at {self.place} does not answer: {type(error).__name__}") from error
        if path != "/ready" and answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise AdminError(f"the Envoy at {self.place} answers {answer.status} to {path}")
        return text

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

    def detailed(self, pattern: str) -> list[dict[str, Any]]:
        """Counters, gauges and whole histograms whose names match."""
        found: list[dict[str, Any]] = self.get_json(
            "/stats", format="json", filter=pattern, histogram_buckets="detailed"
        )["stats"]
        return found

    def texts(self, pattern: str) -> dict[str, str]:
        """Text readouts whose names match, such as the versions of what file subscriptions loaded."""
        found = self.get("/stats", filter=pattern, type="TextReadouts")
        return dict(re.findall(r'^(\S+): "(.*)"$', found, flags=re.MULTILINE))

    def connections(self) -> int:
        """Open downstream connections, the admin's and the workers' own counts aside."""
        found = self.stats(r"^listener\..*downstream_cx_active$")
        return sum(value for name, value in found.items() if ".admin." not in name and "worker_" not in name)
