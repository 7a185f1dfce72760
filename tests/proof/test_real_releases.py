"""Real releases of Envoy from a real index, some of them broken, on a gateway that goes on serving."""

from __future__ import annotations

import http.client
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from websockets.sync.client import connect

from deployments.drivers.process.units import all_units
from egx_project.lib.clock import SystemClock, wait_for
from egx_project.load import ledger
from egx_project.load.beside import Beside
from egx_project.load.run import Mix
from egx_project.proof import demo, releases
from egx_project.proof.index import Index
from egx_project.proof.running import Egx, backend_process, egx, free_port, short_folder
from egx_project.proof.wheels import Fault, Wheel, pack, pack_broken
from tests.updates.test_fetching import answers, half

pytestmark = pytest.mark.matrix

MIX = Mix(keep_alive=60, fresh=20, websockets=2, websocket_seconds=0.5)
CLOCK = SystemClock()
PATIENCE = 60.0
OTHER = "1.40.90"
"""The installed Envoy under another number: a release that is as good as it."""


@dataclass
class Stage:
    egx: Egx
    index: Index
    folder: Path
    port: int
    backend: int
    serves: str
    good: Wheel
    number: int = field(default=100)

    def offer(self, make: Callable[[str], Wheel]) -> str:
        """A new release of the next number, and the channel asked."""
        self.number += 1
        wheel = make(f"1.40.{self.number}")
        self.index.offer(wheel)
        self.check()
        return wheel.version

    def check(self) -> dict[str, Any]:
        with self.egx.client() as client:
            found: dict[str, Any] = client.post("/channels/envoy/check")
            return found

    def update(self, version: str) -> dict[str, Any]:
        return self.egx.change("/gateways/demo/update", {"to": version, "downgrade": True})

    def get(self, path: str) -> Any:
        with self.egx.client() as client:
            return client.get(path)

    def policy(self, **fields: Any) -> None:
        with self.egx.client() as client:
            client.patch("/gateways/demo/policy", {"drain_seconds": 2, "soak_seconds": 60, **fields})

    def lift_quarantines(self) -> None:
        """All good releases here have the same bytes, and quarantine is by these."""
        with self.egx.client() as client:
            for one in client.get("/releases?limit=1000")["items"]:
                if one["reason"]:
                    client.delete(f"/channels/envoy/releases/{one['version']}/quarantine")

    def engine(self) -> str:
        return str(self.get("/gateways/demo")["engine_version"])

    def quarantined(self, version: str) -> str:
        (found,) = (one for one in self.get("/releases?limit=1000")["items"] if one["version"] == version)
        return str(found["reason"])


@pytest.fixture(scope="module")
def running() -> Iterator[Stage]:
    with ExitStack() as stack:
        folder, index = stack.enter_context(short_folder()), stack.enter_context(Index())
        settings = {"EGX_PACKAGE_INDEX": index.url, "EGX_CHECK_SECONDS": "0", "EGX_HEALTHY_SECONDS": "5",
                    "EGX_BASELINE_SECONDS": "0.5"}  # fmt: skip
        own = stack.enter_context(egx(**settings))
        backend, port = stack.enter_context(backend_process()), free_port()
        own.apply(demo.MANIFEST.format(port=port, backend=backend))
        own.settle()
        good = pack(releases.installed_binary(), version=OTHER, folder=folder)
        index.offer(good)
        made = Stage(own, index, folder, port, backend, serves="", good=good)
        made.serves = made.engine()
        yield made


@pytest.fixture
def stage(running: Stage) -> Iterator[Stage]:
    """With a load beside the test that must not lose a request."""
    running.policy()
    running.check()
    running.lift_quarantines()
    running.serves = running.engine()
    ledger.reset(running.backend)
    with Beside(running.port, MIX) as load:
        yield running
        running.index.shelf.behaviour = None
        load.stop()
    found = ledger.reconcile(load.recorded, backend_port=running.backend)
    assert found.failed == 0, load.recorded.failed[:5]
    assert found.sent == found.answered == found.arrived > 0


def unharmed(stage: Stage, operation: dict[str, Any]) -> None:
    """The update has ended, what served serves, and nothing half lies around."""
    assert operation["state"] == "rolled_back", operation
    assert operation["error"]
    assert operation["hint"]
    assert stage.engine() == stage.serves
    engines = stage.egx.home / "engines"
    assert not [path.name for path in engines.iterdir() if path.name.startswith(".") and path.is_dir()]
    assert not list(engines.rglob("*.tmp"))


def test_a_release_that_refuses_the_configuration_is_put_away_before_it_is_started(stage: Stage) -> None:
    version = stage.offer(
        lambda number: pack_broken(
            releases.installed_binary(), Fault.REFUSES_CONFIGURATION, version=number, folder=stage.folder
        )
    )
    operation = stage.update(version)
    unharmed(stage, operation)
    assert "start_new" not in {step["name"] for step in operation["steps"] if step["state"] != "pending"}
    assert "check_config" in stage.quarantined(version)


@pytest.mark.parametrize("behaviour", [answers(500), half], ids=["500", "truncated"])
def test_a_channel_that_fails_in_the_middle_is_no_fault_of_the_release(stage: Stage, behaviour: Any) -> None:
    version = stage.offer(lambda number: pack(releases.installed_binary(), version=number, folder=stage.folder))
    stage.index.shelf.behaviour = behaviour
    unharmed(stage, stage.update(version))
    assert stage.quarantined(version) == ""


def test_other_bytes_than_the_channel_promised_are_not_used(stage: Stage) -> None:
    version = stage.offer(
        lambda number: replace(pack(releases.installed_binary(), version=number, folder=stage.folder), sha256="0" * 64)
    )
    operation = stage.update(version)
    unharmed(stage, operation)
    assert "sha256" in operation["error"]
    assert stage.quarantined(version) == ""


def test_a_channel_that_is_away_answers_with_what_it_said_last_and_when(stage: Stage) -> None:
    before = stage.check()
    stage.index.shelf.behaviour = answers(404)
    away = stage.check()
    assert away["answered_at"] == before["answered_at"]
    assert away["problem"]
    assert stage.get("/gateways/demo/update")["problem"]


def test_websockets_may_stay_on_the_old_engine_until_they_end(stage: Stage) -> None:
    stage.policy(drain_seconds=None, soak_seconds=0, warm_seconds=0)
    with connect(f"ws://127.0.0.1:{stage.port}/ws", compression=None) as talking:
        said = stage.update(OTHER)
        assert said["state"] == "done", said
        assert said["result"]["websockets_left"] >= 1
        assert stage.get("/gateways/demo/soak")["state"] == "off"
        talking.send("still here")
        assert talking.recv(timeout=10) == "still here"
    retired = wait_for(lambda: _ended(stage, "retire"), clock=CLOCK, seconds=PATIENCE)
    assert retired is not None
    assert retired["result"]["connections_cut"] == 0


def _ended(stage: Stage, kind: str) -> dict[str, Any] | None:
    newest = stage.get("/operations")["items"][0]
    return newest if newest["kind"] == kind and newest["finished_at"] else None


def test_route_changes_during_a_soak_reach_both_engines_and_survive_the_way_back(stage: Stage) -> None:
    version = stage.offer(lambda number: pack(releases.installed_binary(), version=number, folder=stage.folder))
    assert stage.update(version)["state"] == "done"
    route = demo.MANIFEST.format(port=stage.port, backend=stage.backend).replace(
        "rules: [{backendRefs",
        "rules: [{filters: [{type: ResponseHeaderModifier, responseHeaderModifier: "
        "{set: [{name: x-changed, value: 'yes'}]}}], backendRefs",
    )
    stage.egx.apply(route)
    stage.egx.settle()
    assert stage.egx.change("/gateways/demo/rollback")["state"] == "done"
    assert _header(stage, "x-changed") == "yes"
    assert stage.engine() == stage.serves


def _header(stage: Stage, name: str) -> str | None:
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().getheader(name)
    finally:
        connection.close()


def test_an_update_by_policy_happens_by_itself(stage: Stage) -> None:
    version = stage.offer(lambda number: pack(releases.installed_binary(), version=number, folder=stage.folder))
    stage.policy(mode="auto", cool_down_hours=0)
    done = wait_for(lambda: stage.engine() == version or None, clock=CLOCK, seconds=120)
    stage.policy(mode="notify")
    assert done
    assert stage.get("/operations?kind=update")["items"][0]["requested_by"] == "policy"


def test_an_engine_killed_in_its_soak_gives_way_to_the_old_one(running: Stage) -> None:
    """Its requests in flight are lost; so there is no load here."""
    running.policy()
    running.check()
    running.serves = running.engine()
    version = running.offer(lambda number: pack(releases.installed_binary(), version=number, folder=running.folder))
    operation = running.update(version)
    assert operation["state"] == "done", operation
    slot = operation["steps"][[one["name"] for one in operation["steps"]].index("switch_traffic")]
    assert slot["state"] == "done"
    serving = next(one["name"] for one in running.get("/gateways/demo")["slots"] if one["state"] == "serving")
    os.kill(running.egx.unit_pid(serving), signal.SIGKILL)
    back = wait_for(lambda: running.engine() == running.serves or None, clock=CLOCK, seconds=PATIENCE)
    assert back
    assert "died" in running.quarantined(version)
    assert _header(running, "content-type") is not None


STEPS = ("backup", "pull", "start_new", "wait_healthy", "switch_traffic", "drain_old", "keep_warm")


def _begun(stage: Stage, operation: int, step: str) -> bool | None:
    found = stage.get(f"/operations/{operation}")
    states = {one["name"]: one["state"] for one in found["steps"]}
    return states.get(step, "pending") != "pending" or bool(found["finished_at"]) or None


def _ask(stage: Stage, version: str) -> int:
    with stage.egx.client() as client:
        asked = client.post("/gateways/demo/update", {"to": version, "downgrade": True})
    return int(asked["operations"][0]["id"])


def _another(stage: Stage) -> str:
    """A good release that was never pulled."""
    return stage.offer(lambda number: pack(releases.installed_binary(), version=number, folder=stage.folder))


def _only_what_is_known_runs(stage: Stage) -> None:
    """No process and no unfinished file is left of what was killed."""
    run = stage.egx.home / "run"
    known = {found.pid for unit in all_units(run) if (found := unit.running())}
    strays = [
        process.pid
        for process in psutil.process_iter(["cwd", "exe"])
        if (process.info["cwd"] or "").startswith(str(run)) and "envoy" in (process.info["exe"] or "")
    ]
    assert set(strays) <= known
    assert not list(stage.egx.home.rglob("*.tmp"))
    assert not [path.name for path in (stage.egx.home / "engines").glob(".*.new")]


@pytest.mark.parametrize("step", STEPS)
def test_all_of_egx_killed_in_the_middle_of_an_update_costs_no_request(stage: Stage, step: str) -> None:
    version = _another(stage)
    operation = _ask(stage, version)
    assert wait_for(lambda: _begun(stage, operation, step), clock=CLOCK, seconds=PATIENCE)
    stage.egx.kill()
    stage.egx.start_again()
    ended = stage.egx.ended(operation)
    assert ended["state"] == "done", ended
    assert stage.engine() == version
    _only_what_is_known_runs(stage)


@pytest.mark.parametrize("step", ["start_new", "wait_healthy", "try_config"])
def test_a_new_engine_killed_before_it_has_traffic_costs_no_request(stage: Stage, step: str) -> None:
    operation = _ask(stage, _another(stage))
    assert wait_for(lambda: _begun(stage, operation, step), clock=CLOCK, seconds=PATIENCE)
    serving = _serving(stage)
    new = "green" if serving == "blue" else "blue"
    for unit in all_units(stage.egx.home / "run"):
        running = unit.running()
        if unit.name == new and running and _serving(stage) == serving:
            with suppress(ProcessLookupError):
                os.kill(running.pid, signal.SIGKILL)
    ended = stage.egx.ended(operation)
    assert ended["state"] in {"done", "rolled_back"}, ended
    _only_what_is_known_runs(stage)


def _serving(stage: Stage) -> str:
    return str(next(one["name"] for one in stage.get("/gateways/demo")["slots"] if one["state"] == "serving"))


def test_an_engine_that_serves_and_is_killed_during_an_update_serves_again(running: Stage) -> None:
    """What it had in flight is lost, so there is no load here."""
    running.policy()
    running.check()
    running.lift_quarantines()
    operation = _ask(running, _another(running))
    assert wait_for(lambda: _begun(running, operation, "start_new"), clock=CLOCK, seconds=PATIENCE)
    os.kill(running.egx.unit_pid(_serving(running)), signal.SIGKILL)
    ended = running.egx.ended(operation)
    assert ended["state"] in {"done", "rolled_back"}, ended
    again = wait_for(lambda: _answers(running) or None, clock=CLOCK, seconds=PATIENCE)
    assert again
    _only_what_is_known_runs(running)


def _answers(stage: Stage) -> bool:
    with suppress(OSError, http.client.HTTPException):
        return _header(stage, "content-type") is not None
    return False
