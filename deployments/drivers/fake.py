"""A runtime in memory, or in a folder that several processes share: for tests of everything above the drivers.

It keeps what the real ones must keep (fences, generations, one serving slot) and refuses what they refuse. Each effect
is written in two parts with a pause between them, so that a kill can fall inside.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock

from deployments.drivers.base import (
    ConfigRejectedError,
    DriverError,
    EdgeObservation,
    Engine,
    FencedError,
    Observation,
    Probe,
    Progress,
    Revival,
    Scope,
    SlotName,
    SlotObservation,
    Traffic,
    TrafficObservation,
    unwatched,
)
from egx_project.lib import atomic
from egx_project.lib.clock import Clock, SystemClock
from gateways.spec.base import Problem
from gateways.spec.snapshot import GatewaySnapshot

State = dict[str, Any]
REJECT_LABEL = "egx.dev/fake-reject"
"""A gateway with this label is one that the engine does not accept."""


class World(Protocol):
    """Where the fake's state is."""

    def read(self, key: str) -> State: ...

    def change(self, key: str, effect: Callable[[State], None]) -> None: ...


def _nothing() -> State:
    return {
        "fences": {},
        "edge": {"present": False, "ports": [], "serving": None, "generation": 0},
        "slots": {},
    }


class Memory:
    def __init__(self) -> None:
        self.states: dict[str, State] = {}

    def read(self, key: str) -> State:
        return copy.deepcopy(self.states.get(key, _nothing()))

    def change(self, key: str, effect: Callable[[State], None]) -> None:
        state = self.read(key)
        effect(state)
        self.states[key] = state


class Folder:
    """Shared by processes that may be killed at any point."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def read(self, key: str) -> State:
        return atomic.read_json(self.path / f"{key}.json") or _nothing()

    def change(self, key: str, effect: Callable[[State], None]) -> None:
        with FileLock(self.path / f"{key}.lock"):
            state = self.read(key)
            effect(state)
            atomic.write_json(self.path / f"{key}.json", state)


class FakeDriver:
    kind = "fake"
    look_every = 0.02

    def __init__(self, world: World | None = None, *, clock: Clock | None = None, latency: float = 0.0) -> None:
        self.world = world or Memory()
        self.clock = clock or SystemClock()
        self.latency = latency

    # --- looking ------------------------------------------------------------------------------------------------

    def refusals(self, snapshot: GatewaySnapshot) -> Sequence[Problem]:  # noqa: ARG002
        return ()

    def obstacles(self, snapshot: GatewaySnapshot) -> Sequence[Problem]:  # noqa: ARG002
        return ()

    def preflight(self, snapshot: GatewaySnapshot) -> None:
        pass

    def observe(self, key: str, desired: GatewaySnapshot | None = None) -> Observation:  # noqa: ARG002 - all in place
        state = self.world.read(key)
        edge = state["edge"]
        serving = edge["serving"]
        return Observation(
            key=key,
            edge=EdgeObservation(
                present=edge["present"],
                alive=edge["present"],
                ports=tuple(edge["ports"]) if edge["present"] else (),
                serving=SlotName(serving) if serving and edge["present"] else None,
                generation=edge["generation"],
            ),
            slots={name: self._slot(name, state["slots"].get(name)) for name in SlotName},
        )

    def traffic(self, key: str) -> TrafficObservation:
        state = self.world.read(key)
        told = {SlotName(name): Traffic(**slot.get("traffic", {"life": name})) for name, slot in state["slots"].items()}
        return TrafficObservation(slots={name: told[name] for name in told if state["slots"][name]["running"]})

    def probe(self, key: str, slot: SlotName, probe: Probe) -> int:
        held = self.world.read(key)["slots"].get(slot)
        return 200 if held and held["running"] and probe.path != "/nothing" else 0

    def _slot(self, name: SlotName, slot: State | None) -> SlotObservation:
        if slot is None:
            return SlotObservation(name=name)
        return SlotObservation(
            name=name,
            present=slot["running"],
            alive=slot["running"],
            ready=slot["running"] and slot["ready"],
            draining=slot["draining"],
            engine=Engine(version=slot["version"], digest=slot["digest"]),
            generation=slot["generation"],
        )

    # --- effects ------------------------------------------------------------------------------------------------

    def fence(self, scope: Scope) -> None:
        def effect(state: State) -> None:
            newest = state["fences"].get(scope.realm, 0)
            if scope.fence < newest:
                raise FencedError(f"attempt {scope.fence} of {scope.key} is superseded by {newest}")
            state["fences"][scope.realm] = scope.fence

        self.world.change(scope.key, effect)

    def pull(self, engine: Engine, progress: Progress = unwatched) -> Engine:  # noqa: ARG002
        if engine.version == "missing":
            raise DriverError(f"there is no engine {engine.version}", hint="ask for any other version")
        pinned = engine.artifact.sha256 if engine.artifact and engine.artifact.url.startswith("oci:") else ""
        return Engine(version=engine.version, digest=f"sha256:{pinned or engine.version}")

    def check_config(self, engine: Engine, snapshot: GatewaySnapshot) -> None:
        if REJECT_LABEL in snapshot.gateway.metadata.labels:
            raise ConfigRejectedError(f"engine {engine.version} does not accept generation {snapshot.generation}")

    def start_slot(self, scope: Scope, slot: SlotName, engine: Engine, snapshot: GatewaySnapshot) -> None:
        def files(state: State) -> None:
            held = state["slots"].get(slot)
            if held and held["running"] and held["version"] == engine.version:
                return
            state["slots"][slot] = {
                "running": False, "ready": False, "draining": False, "version": engine.version,
                "digest": engine.digest, "generation": snapshot.generation, "before": 0, "refused": 0,
            }  # fmt: skip

        def process(state: State) -> None:
            state["slots"][slot] |= {"running": True, "ready": True}

        self._effect(scope, files, process)

    def configure_slot(self, scope: Scope, slot: SlotName, snapshot: GatewaySnapshot) -> None:
        rejected = REJECT_LABEL in snapshot.gateway.metadata.labels

        def effect(state: State) -> None:
            held = self._running(state, slot)
            newest = max(held["generation"], held["refused"])
            if snapshot.generation < newest:
                raise FencedError(f"{slot} has seen generation {newest}")
            if snapshot.generation == held["refused"]:
                raise ConfigRejectedError(f"generation {held['refused']} was taken back from {slot} before")
            if rejected:
                held["refused"] = snapshot.generation
            elif snapshot.generation > held["generation"]:
                held |= {"before": held["generation"], "generation": snapshot.generation}

        self._effect(scope, effect)
        if rejected:
            raise ConfigRejectedError(f"{slot} does not accept generation {snapshot.generation}")

    def revert_slot(self, scope: Scope, slot: SlotName, generation: int) -> None:
        def effect(state: State) -> None:
            held = state["slots"].get(slot)
            if held and held["generation"] == generation and held["before"]:
                held |= {"generation": held["before"], "before": 0, "refused": generation}

        self._effect(scope, effect)

    def open_edge(self, scope: Scope, snapshot: GatewaySnapshot) -> None:
        def process(state: State) -> None:
            if not any(slot["running"] for slot in state["slots"].values()):
                raise DriverError("an edge needs a slot to point at; none runs")
            state["edge"]["present"] = True

        def ports(state: State) -> None:
            if snapshot.generation >= state["edge"]["generation"]:
                state["edge"] |= {"ports": list(snapshot.ports), "generation": snapshot.generation}

        self._effect(scope, process, ports)

    def configure_edge(self, scope: Scope, ports: Sequence[int], generation: int) -> None:
        def effect(state: State) -> None:
            edge = self._open(state)
            if generation < edge["generation"]:
                raise FencedError(f"the edge has seen generation {edge['generation']}")
            edge |= {"ports": sorted(ports), "generation": generation}

        self._effect(scope, effect)

    def switch(self, scope: Scope, to: SlotName | None) -> None:
        def effect(state: State) -> None:
            if to is not None:
                self._running(state, to)
            self._open(state)["serving"] = to

        self._effect(scope, effect)

    def drain(self, scope: Scope, slot: SlotName) -> None:
        def effect(state: State) -> None:
            if slot in state["slots"]:
                state["slots"][slot]["draining"] = state["slots"][slot]["running"]

        self._effect(scope, effect)

    def undrain(self, scope: Scope, slot: SlotName) -> None:
        self._effect(scope, lambda state: self._running(state, slot).update(draining=False))

    def stop_slot(self, scope: Scope, slot: SlotName) -> None:
        def effect(state: State) -> None:
            if state["edge"]["present"] and state["edge"]["serving"] == slot:
                raise DriverError(f"{slot} serves; it cannot be stopped")
            if slot in state["slots"]:
                state["slots"][slot] |= {"running": False, "ready": False, "draining": False}

        self._effect(scope, effect)

    def resume_slot(self, scope: Scope, slot: SlotName) -> None:
        def effect(state: State) -> None:
            if slot in state["slots"]:
                state["slots"][slot] |= {"running": True, "ready": True}

        self._effect(scope, effect)

    def close_edge(self, scope: Scope) -> None:
        self._effect(scope, lambda state: state["edge"].update(present=False))

    def reopen_edge(self, scope: Scope) -> None:
        self._effect(scope, lambda state: state["edge"].update(present=bool(state["edge"]["generation"])))

    def destroy(self, scope: Scope) -> None:
        if self.world.read(scope.key) == _nothing():
            return

        def slots(state: State) -> None:
            state["slots"] = {}

        def edge(state: State) -> None:
            state["edge"] = _nothing()["edge"]

        self._effect(scope, edge, slots)

    def tend(self) -> Sequence[Revival]:
        return ()

    def await_death(self, seconds: float) -> None:
        self.clock.pause(seconds)

    # --- inside -------------------------------------------------------------------------------------------------

    def _effect(self, scope: Scope, *parts: Callable[[State], None]) -> None:
        for part in parts:
            self.world.change(scope.key, self._fenced(scope, part))
            self.clock.pause(self.latency)

    def _fenced(self, scope: Scope, part: Callable[[State], None]) -> Callable[[State], None]:
        def effect(state: State) -> None:
            newest = state["fences"].get(scope.realm, 0)
            if scope.fence != newest:
                raise FencedError(f"attempt {scope.fence} of {scope.key} is superseded by {newest}")
            part(state)

        return effect

    def _running(self, state: State, slot: SlotName) -> State:
        held: State | None = state["slots"].get(slot)
        if not held or not held["running"]:
            raise DriverError(f"{slot} does not run")
        return held

    def _open(self, state: State) -> State:
        edge: State = state["edge"]
        if not edge["present"]:
            raise DriverError("the edge is not open")
        return edge
