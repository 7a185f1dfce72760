"""The `docker` runtime: the real Envoy Gateway in containers, blue and green, behind edges that own the ports.

What is meant is written down first, in the gateway's folder on this host; what is there, the Engine says. Every effect
is made under the gateway's lock, behind its fence.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from deployments.drivers.base import (
    ConfigRejectedError,
    ContainerNews,
    DriverError,
    Engine,
    Observation,
    Probe,
    Progress,
    Retirement,
    Revival,
    Scope,
    SlotName,
    TrafficObservation,
    unwatched,
)
from deployments.drivers.docker import addresses, discovery, limits, names
from deployments.drivers.docker.daemon import Container
from deployments.drivers.docker.edges import EdgeContainers, by_port
from deployments.drivers.docker.ground import Ground
from deployments.drivers.docker.images import Fetched
from deployments.drivers.docker.joining import Joining
from deployments.drivers.docker.judging import Judge
from deployments.drivers.docker.ports import why_not_published
from deployments.drivers.docker.records import Record, Shelf
from deployments.drivers.docker.revisions import by_revision
from deployments.drivers.docker.slots import SlotContainers, slot_containers
from deployments.drivers.docker.support import Support
from deployments.drivers.docker.tending import Tending
from deployments.drivers.folders import Folders, fenced
from deployments.drivers.joining import Candidate, Joined
from deployments.drivers.registry import DriverSettings
from egx_project.lib.clock import Clock, SystemClock
from gateways.spec.base import Problem
from gateways.spec.snapshot import GatewaySnapshot

LEAST_FREE_BYTES = 500 * 1024 * 1024
"""An Envoy is 107 MB once more in the volume; the rest is for logs."""


class DockerDriver:
    kind = "docker"
    look_every = 0.1

    def __init__(self, settings: DriverSettings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        root = settings.data_dir / "docker"
        self.folders = Folders(root / "gateways")
        self.ground = Ground(
            root, settings.docker, clock=self.clock, concurrency=settings.threads, bind=settings.bind_address
        )
        self.judge = Judge(self.ground)
        self.joining = Joining(self.ground, self.folders, self._shelf)
        self.support = Support(self.ground, lambda: bool(self.folders.names()))
        self.tending = Tending(self.ground, self.folders, self._parts, self.joining, self.support)

    # --- looking -----------------------------------------------------------------------------------------------------

    def refusals(self, snapshot: GatewaySnapshot) -> Sequence[Problem]:
        return limits.refusals(snapshot)

    def obstacles(self, snapshot: GatewaySnapshot) -> Sequence[Problem]:
        own = self._shelf(snapshot.key).read().edge.ports
        return [
            Problem(
                message=taken.message,
                hint=taken.hint,
                ref=snapshot.gateway.ref,
                path=("spec", "listeners", index, "port"),
            )
            for index, listener in enumerate(snapshot.gateway.spec.listeners)
            if listener.port not in own and (taken := why_not_published(self.ground, listener.port))
        ]

    def preflight(self, snapshot: GatewaySnapshot) -> None:
        root = Path(str(self.ground.daemon.info().get("DockerRootDir", "")))
        if root.is_dir():  # else Docker runs elsewhere, and says itself when its disk is full
            free = shutil.disk_usage(root).free
            if free < LEAST_FREE_BYTES:
                raise DriverError(
                    f"{root} has {free >> 20} MB free; a gateway needs {LEAST_FREE_BYTES >> 20} MB",
                    hint="free some space (`docker system df` says what takes it)",
                )
        problems = self.obstacles(snapshot)
        if problems:
            raise DriverError(problems[0].message, hint=problems[0].hint)

    def observe(self, key: str, desired: GatewaySnapshot | None = None) -> Observation:
        record = self._shelf(key).read()
        if not record.revisions and not record.edge.ports:
            return Observation(key=key, joined=record.joined)
        return self._observation(key, record, self._containers(key), desired)

    def observe_all(self, keys: Collection[str]) -> Mapping[str, Observation]:
        """The same of many gateways, by one request of the Engine."""
        found: dict[str, list[Container]] = {}
        for container in self.ground.daemon.containers(f"{names.INSTALLATION}={self.ground.names.installation}"):
            found.setdefault(container.labels.get(names.GATEWAY, ""), []).append(container)
        return {key: self._observation(key, self._shelf(key).read(), found.get(key, [])) for key in keys}

    def _observation(
        self, key: str, record: Record, there: Sequence[Container], desired: GatewaySnapshot | None = None
    ) -> Observation:
        slots, edges = by_revision(there), by_port(there)
        return Observation(
            key=key,
            edge=self._edges(key).observe(record, edges),
            slots={name: self._slot(key, name).observe(record, slots, desired) for name in SlotName},
            joined=record.joined,
        )

    def _containers(self, key: str) -> list[Container]:
        installation = f"{names.INSTALLATION}={self.ground.names.installation}"
        return self.ground.daemon.containers(installation, f"{names.GATEWAY}={key}")

    def traffic(self, key: str) -> TrafficObservation:
        record = self._shelf(key).read()
        slots = {name: self._slot(key, name).traffic(record) for name in SlotName}
        return TrafficObservation(
            edge=self._edges(key).traffic(), slots={name: seen for name, seen in slots.items() if seen.life}
        )

    def probe(self, key: str, slot: SlotName, probe: Probe) -> int:
        return self._slot(key, slot).probe(self._shelf(key).read(), probe)

    # --- engines and configuration -----------------------------------------------------------------------------------

    def pull(self, engine: Engine, progress: Progress = unwatched) -> Engine:
        self.ground.prepare()
        fetched = self.ground.images.pull(engine, lambda: self.ground.volume, progress)
        self.ground.note_envoy(fetched.envoy)
        return Engine(version=fetched.engine.version, digest=fetched.engine.digest)

    def check_config(self, engine: Engine, snapshot: GatewaySnapshot) -> None:
        """What can be judged without an engine; the rest is judged by the slot that is to have it, before traffic."""
        del engine
        refused = [problem for problem in self.refusals(snapshot) if problem.severity == "error"]
        if refused:
            raise ConfigRejectedError("; ".join(str(problem) for problem in refused), problems=refused)

    def configure_slot(self, scope: Scope, slot: SlotName, snapshot: GatewaySnapshot) -> None:
        owned = partial(self.folders.owned, scope)
        with owned():
            self.joining.have(scope.key, snapshot.containers)
        self._slot(scope.key, slot).configuring.configure(snapshot, owned=owned, fence=scope.fence)
        with owned():
            self.joining.want_only(scope.key, snapshot.containers)

    def revert_slot(self, scope: Scope, slot: SlotName, generation: int) -> None:
        owned = partial(self.folders.owned, scope)
        self._slot(scope.key, slot).configuring.revert(generation, owned=owned, fence=scope.fence)
        with owned():
            self.joining.have(scope.key, sorted(self.joining.needed(scope.key)))

    @fenced
    def configure_edge(self, scope: Scope, ports: Sequence[int], generation: int) -> None:
        self._edges(scope.key).configure(ports, generation)

    # --- lifecycle ---------------------------------------------------------------------------------------------------

    def fence(self, scope: Scope) -> None:
        self.folders.fence(scope)

    @fenced
    def start_slot(self, scope: Scope, slot: SlotName, engine: Engine, snapshot: GatewaySnapshot) -> None:
        self._have_block(scope.key, snapshot)
        self.joining.have(scope.key, snapshot.containers)
        self._slot(scope.key, slot).start(self._fetched(engine), snapshot, fence=scope.fence)
        self.joining.want_only(scope.key, snapshot.containers)

    def _fetched(self, engine: Engine) -> Fetched:
        found = self.ground.images.here(engine)
        if found is None:
            raise DriverError(f"Envoy Gateway {engine.version} is not here", hint="it has to be pulled first")
        return found

    def _have_block(self, key: str, snapshot: GatewaySnapshot) -> None:
        """Addresses of its own for a gateway that has none."""
        shelf = self._shelf(key)
        if shelf.read().block:
            return
        subnet = self.ground.prepare()
        with self.ground.locked():
            taken = {self._shelf(other).read().block for other in self.folders.names()}
            metadata = snapshot.gateway.metadata
            place = metadata.name if metadata.namespace == "default" else f"{metadata.namespace}/{metadata.name}"
            block = addresses.free_block(taken, subnet)
            shelf.write(shelf.read().model_copy(update={"block": block, "name": place}))

    @fenced
    def stop_slot(self, scope: Scope, slot: SlotName) -> None:
        edge = self._shelf(scope.key).read().edge
        if edge.wanted and edge.serving == slot:
            raise DriverError(f"slot {slot} serves; it cannot be stopped")
        self._slot(scope.key, slot).stop()

    @fenced
    def resume_slot(self, scope: Scope, slot: SlotName) -> None:
        self._slot(scope.key, slot).resume()
        self.joining.have(scope.key, sorted(self.joining.needed(scope.key)))

    @fenced
    def drain(self, scope: Scope, slot: SlotName) -> None:
        self._slot(scope.key, slot).drain()

    @fenced
    def undrain(self, scope: Scope, slot: SlotName) -> None:
        self._slot(scope.key, slot).undrain()

    @fenced
    def open_edge(self, scope: Scope, snapshot: GatewaySnapshot) -> None:
        record = self._shelf(scope.key).read()
        running = [found for name in SlotName if record.slot(name).wanted and (found := record.current(name))]
        if not running:
            raise DriverError("an edge needs a slot to point at; none runs")
        self._edges(scope.key).open(snapshot.ports, snapshot.generation, envoy=running[0].envoy)

    @fenced
    def switch(self, scope: Scope, to: SlotName | None) -> None:
        if to is not None:
            self._slot(scope.key, to).revisions.require_wanted(self._shelf(scope.key).read())
        self._edges(scope.key).switch(to)

    @fenced
    def close_edge(self, scope: Scope) -> None:
        self._edges(scope.key).close()

    @fenced
    def reopen_edge(self, scope: Scope) -> None:
        self._edges(scope.key).reopen()

    def destroy(self, scope: Scope) -> None:
        if not self.folders.of(scope.key).exists():
            self._clear_after_the_last()  # an attempt that was killed may have come so far
            return
        self._remove_all(scope)
        self.support.logs.forget(scope.key)
        shutil.rmtree(self.folders.of(scope.key), ignore_errors=True)
        self._clear_after_the_last()

    @fenced
    def _remove_all(self, scope: Scope) -> None:
        shelf = self._shelf(scope.key)
        shelf.write(shelf.read().with_edge(wanted=False, serving=None))
        for name in SlotName:
            shelf.write(shelf.read().with_slot(name, wanted=False))
        for container in self._containers(scope.key):
            self.ground.daemon.remove(container.id)
        self.joining.leave_all(scope.key)
        if self.ground.daemon.volume(self.ground.names.volume) is not None:
            self.ground.volume.remove(scope.key)
        for file in self.folders.of(scope.key).glob("*.json"):
            if not file.name.endswith("fence.json"):
                file.unlink(missing_ok=True)

    def _clear_after_the_last(self) -> None:
        if self.ground.prepared and not self.folders.names() and not self.support.shared_by():
            self.ground.clear()

    # --- containers of users -----------------------------------------------------------------------------------------

    def candidates(self) -> Sequence[Candidate]:
        return discovery.candidates(self.ground.daemon.listed())

    @fenced
    def join(self, scope: Scope, identities: Iterable[str]) -> Joined:
        return self.joining.join(scope.key, identities)

    @fenced
    def leave(self, scope: Scope, identities: Iterable[str]) -> None:
        self.joining.leave(scope.key, identities)

    def news(self) -> bool:
        return self.tending.watch is None or self.tending.watch.of_users.take_any()

    # --- looking after it --------------------------------------------------------------------------------------------

    def tend(self) -> Sequence[Revival | Retirement | ContainerNews]:
        return self.tending.tend()

    def await_death(self, seconds: float) -> None:
        self.tending.await_death(seconds)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _shelf(self, key: str) -> Shelf:
        return Shelf(self.folders.of(key))

    def _edges(self, key: str) -> EdgeContainers:
        return EdgeContainers(self.ground, self._shelf(key), key)

    def _slot(self, key: str, slot: SlotName) -> SlotContainers:
        return slot_containers(
            self.ground,
            self._shelf(key),
            key,
            slot,
            judge=self.judge,
            edges=self._edges(key),
            before_start=lambda container: self.joining.joined_slots(key, container),
        )

    def _parts(self, key: str) -> tuple[Shelf, EdgeContainers, Mapping[SlotName, SlotContainers]]:
        return self._shelf(key), self._edges(key), {name: self._slot(key, name) for name in SlotName}
