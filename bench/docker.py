"""Gateways in Docker: the real Envoy Gateway, updated and configured under load."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field

from bench import manifests, updates
from bench.report import Figure, median
from bench.rig import MissingError, backend_process, egx, free_port, load
from egx_project.proof.running import Egx
from tests.testbed.places import TestbedError
from tests.testbed.state import Testbed, seen

VERSIONS = ("1.9.0", "1.8.3")
TARGET = "docker"
SHARE = 1 / 11
"""As in `updates`: about a third of what all of this gets."""
CAPACITY_SECONDS = 5.0
DRAIN_SECONDS = 3
LIVE_SECONDS = 30.0
TIMED = 8

GATEWAY = "demo"
RULES = (("/", "web"), ("/other", "other"))


def route(live: int, *, name: str = "web", rules: tuple[tuple[str, str], ...] = RULES) -> str:
    """A route whose answers say `live`; `rules` are (path, backend)."""
    return manifests.routes(live, rules, name=name, gateway=GATEWAY)


@dataclass
class Edits:
    """Changes of routes, one after another, of every class; how long each took to be live."""

    egx: Egx
    port: int
    live: int = 0
    turned: bool = False
    in_place: list[float] = field(default_factory=list)
    by_revision: list[float] = field(default_factory=list)

    def value(self) -> None:
        """A value of a field that stays: in place."""
        self.live += 1
        self.in_place.append(self._applied(route(self.live, rules=self._rules()), "/"))

    def another_route(self) -> None:
        """A route comes: in place."""
        self.live += 1
        text = route(self.live, name=f"more-{self.live}", rules=((f"/more-{self.live}", "other"),))
        self.in_place.append(self._applied(text, f"/more-{self.live}"))

    def order(self) -> None:
        """Rules change places, which the engine would do by sending requests to each other's backends."""
        self.live += 1
        self.turned = not self.turned
        self.by_revision.append(self._applied(route(self.live, rules=self._rules()), "/"))

    def _rules(self) -> tuple[tuple[str, str], ...]:
        return RULES[::-1] if self.turned else RULES

    def next(self, number: int) -> None:
        (self.value, self.order, self.another_route)[number % 3]()

    def _applied(self, text: str, path: str) -> float:
        self.egx.apply(text)
        accepted = time.monotonic()
        while time.monotonic() - accepted < LIVE_SECONDS:
            with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIVE_SECONDS)) as connection:
                connection.request("GET", path, headers={"connection": "close"})
                answer = connection.getresponse()
                answer.read()
                if answer.getheader("x-live") == str(self.live):
                    waited = time.monotonic() - accepted
                    self.egx.settle()
                    return waited
        raise RuntimeError(f"change {self.live} is not live after {LIVE_SECONDS:g} s")


def testbed() -> Testbed:
    """Raises MissingError where it is not there."""
    try:
        return seen()
    except TestbedError as error:
        raise MissingError(str(error)) from error


def settings(found: Testbed) -> dict[str, str]:
    return {
        "EGX_DOCKER_HOST": f"unix://{found.socket}",
        "ENVOY_GATEWAY_IMAGE": f"{found.registry}/envoyproxy/gateway",
        "EGX_DOCKER_FILES_IMAGE": f"{found.registry}/busybox:1.36",
        "EGX_CHECK_SECONDS": "0",
    }


@contextmanager
def stage(**more: str) -> Iterator[tuple[updates.Stage, Edits]]:
    with ExitStack() as stack:
        running = stack.enter_context(egx(**settings(testbed()), **more))
        backend = stack.enter_context(backend_process("0.0.0.0"))  # noqa: S104 - containers reach it
        other = stack.enter_context(backend_process("0.0.0.0"))  # noqa: S104
        port = free_port()
        edits = Edits(running, port)
        gateway = manifests.gateway(port, backend, name=GATEWAY, others={"other": other})
        running.apply(gateway + route(0), target=TARGET)
        running.settle()
        try:
            with running.client() as client:
                client.patch("/gateways/demo/policy", {"drain_seconds": DRAIN_SECONDS, "soak_seconds": 0})
                client.post("/channels/envoy-gateway/check")
            yield updates.Stage(running, port, backend, VERSIONS), edits
        finally:
            with running.client() as client:
                client.delete("/gateways/demo")
            running.settle()


def measure() -> Iterator[Figure]:
    with stage() as (on, edits):
        yield from _changes(edits)
        capacity = load(on.port, clients=32, seconds=CAPACITY_SECONDS).per_second
        yield Figure("capacity of the gateway here", capacity, "requests/s", how="h2load, HTTP/1, 32 connections")
        yield from updates.back_and_forth(on, updates.mix_of(capacity * SHARE), between=edits.next)
        how = f"{len(edits.in_place)} under load and not"
        yield Figure("changes in place live, median", median(edits.in_place), "s", how=how)
        how = f"{len(edits.by_revision)} under load and not"
        yield Figure("changes by a new revision live, median", median(edits.by_revision), "s", how=how)


def _changes(edits: Edits) -> Iterator[Figure]:
    for _number in range(TIMED):
        edits.value()
    waits = edits.in_place
    yield Figure("in-place change live, median", median(waits), "s", at_most=1.0, how=f"longest {max(waits):.2f} s")
    for _number in range(TIMED // 2):
        edits.order()
    waits = edits.by_revision
    yield Figure("new revision live, median", median(waits), "s", at_most=8.0, how=f"longest {max(waits):.2f} s")
