"""Updates and rollbacks back and forth between two real releases, under an open load of every kind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bench.report import Figure, median
from bench.rig import Egx, backend_process, egx, free_port, load, short_folder
from egx_project.lib.clock import SystemClock, wait_for
from egx_project.load import ledger
from egx_project.load.beside import Beside
from egx_project.load.outcomes import Kind, Outcome, Recorded, quantile
from egx_project.load.run import Mix
from egx_project.proof import demo, releases
from egx_project.proof.index import Index

CHANGES = 12
REQUESTS = 105_000
DRAIN_SECONDS = 3
"""More than the WebSockets of the load live, less than the long ones do."""
QUIET_SECONDS = 10.0
CAPACITY_SECONDS = 5.0
SHARE = 1 / 11
"""Of what h2load gets through the gateway, which is about a third of what all of this gets: the load and its backend
work for each request, and share the cores with the gateway."""
TIMED = (Kind.KEEP_ALIVE, Kind.FRESH, Kind.H2)
H2_DRAIN_SECONDS = 1.0 + 1.0
"""A slot's `drain_timeout` and a second."""
CLOCK = SystemClock()


@dataclass
class Stage:
    """A gateway on one of two releases, and the channel that has both."""

    egx: Egx
    port: int
    backend: int
    versions: tuple[str, str]
    changes: list[tuple[float, float, dict[str, Any]]] = field(default_factory=list)

    def update(self) -> dict[str, Any]:
        """To the release that does not serve."""
        with self.egx.client() as client:
            serves = client.get("/gateways/demo")["engine_version"]
        to = self.versions[serves == self.versions[0]]
        return self._change("update", {"to": to, "downgrade": True})

    def update_and_kill(self, alone: float) -> None:
        """SIGKILL for all of EGX as traffic is about to be switched; after so many seconds it is started again."""
        with self.egx.client() as client:
            serves = client.get("/gateways/demo")["engine_version"]
            to = self.versions[serves == self.versions[0]]
            asked = client.post("/gateways/demo/update", {"to": to, "downgrade": True})["operations"][0]["id"]

            def begun() -> bool | None:
                steps = client.get(f"/operations/{asked}")["steps"]
                return any(one["name"] == "wait_healthy" and one["state"] != "pending" for one in steps) or None

            _wait(begun, 60.0)
        self.egx.kill()
        _wait(lambda: None, alone)
        self.egx.start_again()
        operation = self.egx.ended(asked)
        if operation["state"] not in {"done", "rolled_back"}:
            raise RuntimeError(f"the update that was killed ended {operation['state']}: {operation['error']}")

    def roll_back(self) -> dict[str, Any]:
        return self._change("rollback", {})

    def _change(self, way: str, body: dict[str, object]) -> dict[str, Any]:
        began = time.monotonic()
        operation = self.egx.change(f"/gateways/demo/{way}", body)
        if operation["state"] != "done":
            raise RuntimeError(f"{way} ended {operation['state']}: {operation['error']}")
        self.changes.append((began, time.monotonic(), operation))
        return operation


@contextmanager
def stage(**settings: str) -> Iterator[Stage]:
    with ExitStack() as stack:
        folder = stack.enter_context(short_folder())
        newest = releases.installed(folder)
        before = releases.the_one_before(newest.version, folder=folder, index="")
        index = stack.enter_context(Index())
        index.offer(before)
        index.offer(newest)
        running = stack.enter_context(egx(EGX_PACKAGE_INDEX=index.url, EGX_CHECK_SECONDS="0", **settings))
        backend, port = stack.enter_context(backend_process()), free_port()
        running.apply(demo.MANIFEST.format(port=port, backend=backend))
        running.settle()
        with running.client() as client:
            client.patch("/gateways/demo/policy", {"drain_seconds": DRAIN_SECONDS, "soak_seconds": 0})
            client.post("/channels/envoy/check")
        yield Stage(running, port, backend, (newest.version, before.version))


def measure() -> Iterator[Figure]:
    with stage() as on:
        capacity = load(on.port, clients=32, seconds=CAPACITY_SECONDS).per_second
        yield Figure("capacity of the gateway here", capacity, "requests/s", how="h2load, HTTP/1, 32 connections")
        yield from back_and_forth(on, mix_of(capacity * SHARE))
        yield from _drains(on, "HTTP/1", Mix(keep_alive=200, fresh=50), at_most=1.0)
        yield from _drains(on, "HTTP/2", Mix(h2=200), at_most=H2_DRAIN_SECONDS)


def mix_of(per_second: float) -> Mix:
    return Mix(
        keep_alive=per_second * 0.6,
        fresh=per_second * 0.15,
        h2=per_second * 0.25,
        websockets=20,
        websocket_seconds=2.0,
        long_websockets=4,
    )


def nothing(number: int) -> None:
    """For a bench whose routes stay as they are."""


def back_and_forth(
    on: Stage, mix: Mix, *, changes: int = CHANGES, between: Callable[[int], None] = nothing
) -> Iterator[Figure]:
    """Updates and rollbacks under load; `between` is called before each with its number."""
    ledger.reset(on.backend)
    with Beside(on.port, mix) as beside:
        began = time.monotonic()
        _wait(lambda: None, QUIET_SECONDS)
        quiet_until = time.monotonic()
        for number in range(changes):
            between(number)
            on.roll_back() if number % 3 == 2 else on.update()
        rate = mix.keep_alive + mix.fresh + mix.h2
        _wait(lambda: time.monotonic() - began > REQUESTS / rate or None, REQUESTS / rate)
        beside.stop()
        found = ledger.reconcile(beside.recorded, backend_port=on.backend)
    recorded = beside.recorded
    told = f"{len(on.changes)} changes, {found.sent:,} requests, open loop, {rate:,.0f} a second; {found}"
    yield Figure("requests", found.sent, at_least=100_000, how=told)
    yield Figure("failed requests", found.failed, at_most=0, how=_why(recorded))
    yield Figure("refused connections", sum(one.refused for one in recorded.outcomes), at_most=0)
    yield Figure("ledgers that differ", int(not found.agree), at_most=0, how=str(found))
    short = [one for one in recorded.outcomes if one.kind == Kind.WEBSOCKET]
    cut = sum(one.failed for one in short)
    yield Figure("WebSockets shorter than the drain limit that were cut", cut, at_most=0, how=f"of {len(short)}")
    yield Figure("longer ones that were cut, and counted", found.cut)
    before = recorded.between(began, quiet_until, *TIMED)
    during = [one for begin, end, _ in on.changes for one in recorded.between(begin, end, *TIMED)]
    was, now = quantile(before, 0.99) * 1000, quantile(during, 0.99) * 1000
    yield Figure("p99 before", was, "ms", how=f"{len(before):,} requests; p50 {quantile(before, 0.5) * 1000:.1f} ms")
    bar = max(was * 1.5, was + 10)
    yield Figure(
        "p99 during", now, "ms", at_most=bar, how=f"{len(during):,}; p50 {quantile(during, 0.5) * 1000:.1f} ms"
    )
    switches = [one["result"]["switch_traffic"]["seconds"] for _, _, one in on.changes]
    yield Figure("switch, median", median(switches) * 1000, "ms", how=f"longest {max(switches) * 1000:.0f} ms")
    rollbacks = [_until_switched(one) for _, _, one in on.changes if one["kind"] == "rollback"]
    yield Figure("warm rollback, until the old engine answers", max(rollbacks), "s", at_most=1.0, how="the slowest")


def _until_switched(operation: dict[str, Any]) -> float:
    switched = next(step for step in operation["steps"] if step["name"] == "switch_traffic")
    asked, there = (datetime.fromisoformat(text) for text in (operation["created_at"], switched["finished_at"]))
    return (there - asked).total_seconds()


def _drains(on: Stage, what: str, mix: Mix, *, at_most: float) -> Iterator[Figure]:
    """From healthy to drained, with clients of one kind only."""
    with Beside(on.port, mix) as beside:
        _wait(lambda: None, 2.0)
        operation = on.update()
    steps = {step["name"]: step for step in operation["steps"]}
    healthy, drained = (datetime.fromisoformat(steps[name]["finished_at"]) for name in ("wait_healthy", "drain_old"))
    left = steps["drain_old"]["result"]["connections_left"]
    failed = len(beside.recorded.failed)
    how = f"{left} connections left, {failed} of {len(beside.recorded.outcomes):,} requests failed"
    seconds = (drained - healthy).total_seconds()
    yield Figure(f"healthy to drained, {what}", seconds, "s", at_most=at_most, how=how)
    yield Figure(f"connections left then, {what}", left, at_most=0)


def _why(recorded: Recorded) -> str:
    failed: list[Outcome] = recorded.failed
    return "; ".join(f"{one.kind}: {one.failure}" for one in failed[:3])


def _wait(look: Callable[[], bool | None], seconds: float) -> None:
    wait_for(look, clock=CLOCK, seconds=seconds)
