"""One slot of a gateway: its revisions, which are containers, and which of them is current."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deployments.drivers.base import Probe, SlotName, SlotObservation, Traffic
from deployments.drivers.docker import layout, reach
from deployments.drivers.docker.configuring import Configuring
from deployments.drivers.docker.daemon import Container
from deployments.drivers.docker.ground import Ground
from deployments.drivers.docker.images import Fetched
from deployments.drivers.docker.in_place import InPlace
from deployments.drivers.docker.judging import Judge
from deployments.drivers.docker.records import Record, Revision, Shelf, engine_of
from deployments.drivers.docker.revisions import Revisions, SlotPart
from deployments.drivers.docker.succession import Edges, Succession
from deployments.drivers.envoy.admin import AdminError
from deployments.drivers.envoy.traffic import SLOT_STATS, slot_traffic
from gateways.spec.snapshot import GatewaySnapshot

PROBE_SECONDS = 5.0
STOP_SECONDS = 1
"""Its clients have gone, or have had their time, before it is stopped; the engine ends its Envoy at once anyway."""
BESIDES = (f"http-{layout.MARKER_PORT}",)


@dataclass
class SlotContainers(SlotPart):
    judge: Judge
    configuring: Configuring

    def observe(
        self, record: Record, there: Mapping[int, Container], desired: GatewaySnapshot | None = None
    ) -> SlotObservation:
        """`there`: the gateway's slot containers by revision."""
        current = record.current(self.slot)
        if current is None:
            return SlotObservation(name=self.slot)
        container = there.get(current.number)
        alive = container is not None and container.running
        state = self.revisions.admin(current).state() if alive else ""
        holds = bool(state) and self.revisions.serves(current, current.accepted)
        problem = self._problem(current, container, holds=holds) if alive and container else ""
        leaving = [one for one in record.leaving(self.slot) if one.number in there]
        return SlotObservation(
            name=self.slot,
            present=record.slot(self.slot).wanted,
            alive=alive,
            ready=state in {"LIVE", "DRAINING"} and holds and not problem,
            draining=state == "DRAINING",
            engine=engine_of(current),
            generation=current.accepted,
            connections=sum(self.revisions.connections(one) for one in [*([current] if state else []), *leaving]),
            problem=problem or self._last_words(container, alive=alive),
            revision=self.configuring.planned(record, desired) if desired else "",
        )

    def _problem(self, current: Revision, container: Container, *, holds: bool) -> str:
        """What the engine says against its configuration, until it was once seen to hold it as meant."""
        if current.verified == current.accepted:
            return ""
        if not holds:
            return self.judge.words(container.id)
        return self.judge.fresh(current, container.id, self.shelf.objects(current.number))

    def _last_words(self, container: Container | None, *, alive: bool) -> str:
        if container is None or alive or container.state not in {"exited", "dead", "restarting"}:
            return ""
        lines = [line for line in self.ground.daemon.logs(container.id, tail=5).splitlines() if line.strip()]
        return lines[-1][-300:] if lines else ""

    def traffic(self, record: Record) -> Traffic:
        current = record.current(self.slot)
        if current is None or not record.slot(self.slot).wanted:
            return Traffic()
        found = self.ground.daemon.inspect(self.revisions.name(record, current))
        if found is None or not found["State"]["Running"]:
            return Traffic()
        life = f"{found['Id'][:12]} {found['State']['StartedAt']}"
        try:
            return slot_traffic(self.revisions.admin(current).detailed(SLOT_STATS), life=life, besides=BESIDES)
        except AdminError:
            return Traffic()

    def probe(self, record: Record, probe: Probe) -> int:
        current = record.current(self.slot)
        if current is None:
            return 0
        port = layout.inner_port(probe.port)
        return reach.status(
            self.ground.reach, current.address, port, host=probe.host, path=probe.path, timeout=PROBE_SECONDS
        )

    def start(self, fetched: Fetched, snapshot: GatewaySnapshot, *, fence: int) -> None:
        """Start with this configuration; a slot that already runs this engine is left as it is."""
        record = self.shelf.read()
        current, there = record.current(self.slot), self.revisions.there()
        if current is not None and record.slot(self.slot).wanted and current.engine == fetched.engine:
            container = there.get(current.number)
            if container is not None and container.running:
                return
        record, revision = self.revisions.new(record, fetched, snapshot.generation, fence=fence)
        gone = {record.slot(self.slot).current, record.slot(self.slot).coming} - {0}
        record = record.with_slot(self.slot, current=revision.number, coming=0, wanted=True).without_revisions(gone)
        self.shelf.write_objects(revision.number, self.revisions.render(snapshot, revision))
        self.shelf.write(record)
        self.revisions.remove(gone, there)
        self.revisions.raise_one(record, revision)

    def stop(self) -> None:
        """Of what had been replaced nothing stays either."""
        record = self.shelf.read()
        slot, there = record.slot(self.slot), self.revisions.there()
        gone = {one.number for one in record.leaving(self.slot)} | ({slot.coming} - {0})
        record = record.with_slot(self.slot, wanted=False, coming=0)
        self.shelf.write(record)
        current = record.current(self.slot)
        if current is not None:
            self.ground.daemon.stop(self.revisions.name(record, current), seconds=STOP_SECONDS)
        self.revisions.remove(gone, there)
        self.shelf.write(record.without_revisions(gone))

    def resume(self) -> None:
        record = self.shelf.read()
        current = record.current(self.slot)
        if current is None:
            return
        record = record.with_slot(self.slot, wanted=True)
        self.shelf.write(record)
        self.revisions.raise_one(record, current)

    def drain(self) -> None:
        record = self.shelf.read()
        current = record.current(self.slot)
        container = self.revisions.there().get(current.number) if current else None
        if current is not None and container is not None and container.running:
            self.revisions.admin(current).post("/healthcheck/fail")

    def undrain(self) -> None:
        self.revisions.admin(self.revisions.require_wanted(self.shelf.read())).post("/healthcheck/ok")


def slot_containers(
    ground: Ground,
    shelf: Shelf,
    key: str,
    slot: SlotName,
    *,
    judge: Judge,
    edges: Edges,
    before_start: Callable[[str], None],
) -> SlotContainers:
    """`before_start` is told the name of a container that is made and not started yet."""
    revisions = Revisions(ground, shelf, key, slot, before_start)
    in_place = InPlace(revisions, judge)
    succession = Succession(revisions, in_place, judge, edges)
    return SlotContainers(revisions, judge, Configuring(revisions, in_place, succession, judge))
