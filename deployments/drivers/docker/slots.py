"""One slot of a gateway: its revisions, which are containers, and which of them is current."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from deployments.drivers.base import (
    ConfigRejectedError,
    DriverError,
    FencedError,
    Probe,
    SlotName,
    SlotObservation,
    Traffic,
)
from deployments.drivers.docker import addresses, containers, layout, names, reach, rendering
from deployments.drivers.docker.changes import why_not_in_place
from deployments.drivers.docker.daemon import Container
from deployments.drivers.docker.ground import Ground
from deployments.drivers.docker.images import Fetched
from deployments.drivers.docker.judging import Judge
from deployments.drivers.docker.records import Objects, Record, Retired, Revision, Shelf, engine_of
from deployments.drivers.envoy.admin import Admin, AdminError
from deployments.drivers.envoy.traffic import SLOT_STATS, slot_traffic
from egx_project.lib.clock import wait_for
from gateways.spec.snapshot import GatewaySnapshot

PROBE_SECONDS = 5.0
STOP_SECONDS = 1
"""Its clients have gone, or have had their time, before it is stopped; the engine ends its Envoy at once anyway."""
CERTIFICATES_SECONDS = 60
RELOAD_SECONDS = 10.0
RELOAD_SECONDS_AN_OBJECT = 0.3
LOOK_EVERY = 0.02
MOST_LEAVING = 2
"""Old revisions of a slot that may still have connections; each is an engine of 150 MB."""
BESIDES = (f"http-{layout.MARKER_PORT}",)
NOT_FOR_CLIENTS = re.compile(rf"\.(admin|0\.0\.0\.0_({layout.MARKER_PORT}|19003))\.|worker_")


class Owned(Protocol):
    """Hold the gateway's lock, if this attempt still owns it."""

    def __call__(self) -> AbstractContextManager[None]: ...


class Edges(Protocol):
    """What a slot needs of the gateway's edges."""

    def point(self, record: Record) -> None:
        """Send new connections where the record says; return when the edges themselves say so."""
        ...

    def settle(self, record: Record) -> None:
        """The same, where they do not say so already."""
        ...


@dataclass
class SlotContainers:
    ground: Ground
    shelf: Shelf
    key: str
    slot: SlotName
    judge: Judge
    edges: Edges
    before_start: Callable[[str], None]
    """Told the name of a container that is made and not started yet."""

    # --- looking -----------------------------------------------------------------------------------------------------

    def observe(
        self, record: Record, there: Mapping[int, Container], desired: GatewaySnapshot | None = None
    ) -> SlotObservation:
        """`there`: the gateway's slot containers by revision."""
        current = record.current(self.slot)
        if current is None:
            return SlotObservation(name=self.slot)
        container = there.get(current.number)
        alive = container is not None and container.running
        state = self._admin(current).state() if alive else ""
        holds = bool(state) and reach.marker(self.ground.reach, current.address) == (current.number, current.accepted)
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
            connections=sum(self.connections(one) for one in [*([current] if state else []), *leaving]),
            problem=problem or self._last_words(container, alive=alive),
            revision=self.planned(record, desired) if desired else "",
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

    def connections(self, revision: Revision) -> int:
        """Clients' connections that are open; 0 where it does not answer."""
        try:
            found = self._admin(revision).stats(r"^listener\..*downstream_cx_active$")
        except AdminError:
            return 0
        return sum(value for name, value in found.items() if not NOT_FOR_CLIENTS.search(name))

    def traffic(self, record: Record) -> Traffic:
        current = record.current(self.slot)
        if current is None or not record.slot(self.slot).wanted:
            return Traffic()
        found = self.ground.daemon.inspect(self._name(record, current))
        if found is None or not found["State"]["Running"]:
            return Traffic()
        life = f"{found['Id'][:12]} {found['State']['StartedAt']}"
        try:
            return slot_traffic(self._admin(current).detailed(SLOT_STATS), life=life, besides=BESIDES)
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

    # --- starting and stopping ---------------------------------------------------------------------------------------

    def start(self, fetched: Fetched, snapshot: GatewaySnapshot, *, fence: int) -> None:
        """Start with this configuration; a slot that already runs this engine is left as it is."""
        record = self.shelf.read()
        current, there = record.current(self.slot), self.there()
        if current is not None and record.slot(self.slot).wanted and current.engine == fetched.engine:
            container = there.get(current.number)
            if container is not None and container.running:
                return
        record, revision = self._new_revision(record, fetched, snapshot.generation, fence=fence)
        gone = {record.slot(self.slot).current, record.slot(self.slot).coming} - {0}
        record = record.with_slot(self.slot, current=revision.number, coming=0, wanted=True).without_revisions(gone)
        self.shelf.write_objects(revision.number, self._render(snapshot, revision))
        self.shelf.write(record)
        self._remove(gone, there)
        self.raise_revision(record, revision)

    def _new_revision(
        self, record: Record, fetched: Fetched, generation: int, *, fence: int, before: int = 0
    ) -> tuple[Record, Revision]:
        subnet = self.ground.prepare()
        taken = {one.address for one in record.revisions.values()}
        revision = Revision(
            number=record.next_revision,
            slot=self.slot,
            engine=fetched.engine,
            envoy=fetched.envoy,
            address=addresses.free_address(record.block, taken, subnet),
            fence=fence,
            generation=generation,
            accepted=generation,
            before=before,
        )
        record = record.model_copy(update={"next_revision": record.next_revision + 1})
        return record.with_revision(revision), revision

    def raise_revision(self, record: Record, revision: Revision) -> None:
        """Have its files and its container, and the container running. What is there already stays."""
        name = self._name(record, revision)
        found = self.ground.daemon.inspect(name)
        if found is not None and found["State"]["Running"]:
            return
        self.ground.prepare()
        self._have_files(revision)
        if found is None:
            spec = containers.slot(
                record, self.key, revision, place=self.ground.place, resources=self.ground.settings.resources
            )
            self.ground.daemon.create(name, spec)
        self.before_start(name)
        self.ground.daemon.start(name)

    def _have_files(self, revision: Revision) -> None:
        volume, home = self.ground.volume, layout.revision(self.key, revision.number)
        self.ground.images.put_envoy(revision.envoy, volume)
        volume.make(self.key, layout.conf(self.key), home, f"{home}/state", f"{home}/run")
        config = rendering.engine_config(
            key=self.key,
            revision=revision.number,
            address=revision.address,
            envoy_digest=revision.envoy.digest,
            log_level=self.ground.settings.log_level,
        )
        volume.write(home, {layout.ENGINE_CONFIG: config.encode()})
        self._write_objects(revision.number, self.shelf.objects(revision.number))
        if not volume.has(f"{layout.conf(self.key)}/certs/envoy-oidc-hmac/hmac-secret"):  # the last that it makes
            spec = containers.certificates(revision.engine.reference, self.key, place=self.ground.place)
            volume.remove(f"{layout.conf(self.key)}/certs")
            name = self.ground.names.tool(f"{self.key}-certificates")
            self.ground.daemon.run(name, spec, seconds=CERTIFICATES_SECONDS)

    def _write_objects(self, number: int, objects: Objects) -> None:
        files = {layout.OBJECTS: rendering.file(objects)}
        self.ground.volume.write(layout.config(self.key, number), files, mode=0o600)

    def stop(self) -> None:
        """Of what had been replaced nothing stays either."""
        record = self.shelf.read()
        slot, there = record.slot(self.slot), self.there()
        gone = {one.number for one in record.leaving(self.slot)} | ({slot.coming} - {0})
        record = record.with_slot(self.slot, wanted=False, coming=0)
        self.shelf.write(record)
        current = record.current(self.slot)
        if current is not None:
            self.ground.daemon.stop(self._name(record, current), seconds=STOP_SECONDS)
        self._remove(gone, there)
        self.shelf.write(record.without_revisions(gone))

    def resume(self) -> None:
        record = self.shelf.read()
        current = record.current(self.slot)
        if current is None:
            return
        record = record.with_slot(self.slot, wanted=True)
        self.shelf.write(record)
        self.raise_revision(record, current)

    def _remove(self, numbers: Iterable[int], there: Mapping[int, Container]) -> None:
        """Containers and files of revisions that the record does not have any more; and those of nobody."""
        known = set(self.shelf.read().revisions)
        strays = {number for number in there if number not in known and there[number].labels[names.SLOT] == self.slot}
        for number in {*numbers, *strays}:
            if number in there:
                self.ground.daemon.remove(there[number].id)
            self.ground.volume.remove(layout.revision(self.key, number))
            self.shelf.forget(number)

    def there(self) -> dict[int, Container]:
        """The gateway's slot containers by revision."""
        return by_revision(
            self.ground.daemon.containers(
                f"{names.INSTALLATION}={self.ground.names.installation}", f"{names.GATEWAY}={self.key}"
            )
        )

    def require_wanted(self, record: Record) -> Revision:
        """The current revision. Raises DriverError where the slot is not meant to run."""
        current = record.current(self.slot)
        if current is None or not record.slot(self.slot).wanted:
            raise DriverError(f"slot {self.slot} does not run")
        return current

    # --- configuration -----------------------------------------------------------------------------------------------

    def configure(self, snapshot: GatewaySnapshot, *, owned: Owned, fence: int) -> None:
        """Give the slot the configuration, in place where that is safe, else by a new revision; each seen to hold it.

        The lock is not held while a new revision starts or an old one's clients go.
        """
        with owned():
            record = self.shelf.read()
            current = self.require_wanted(record)
            self._refuse_stale(record, current, snapshot.generation)
            if snapshot.generation == current.accepted:
                self._verify(current)
                return
            wanted = self._render(snapshot, current)
            if not self.why_not_in_place(current, wanted) and self._in_place(current, wanted, snapshot.generation):
                return
        self._by_revision(wanted, snapshot.generation, owned=owned, fence=fence)

    def why_not_in_place(self, current: Revision, wanted: Objects) -> str:
        before = self._accepted_objects(current)
        return why_not_in_place(rendering.without_marker(before), rendering.without_marker(wanted))

    def planned(self, record: Record, snapshot: GatewaySnapshot) -> str:
        """Why this configuration will take a new revision; empty where it goes in place, or is there."""
        current = record.current(self.slot)
        if current is None or snapshot.generation == current.accepted:
            return ""
        return self.why_not_in_place(current, self._render(snapshot, current))

    def _accepted_objects(self, current: Revision) -> Objects:
        """An attempt that was killed may have left newer ones."""
        changing = current.generation != current.accepted
        return self.shelf.before(current.number) if changing else self.shelf.objects(current.number)

    def _refuse_stale(self, record: Record, current: Revision, generation: int) -> None:
        refused = record.slot(self.slot).refused
        newest = max(current.generation, refused)
        if generation < newest:
            raise FencedError(f"slot {self.slot} has seen generation {newest}")
        if generation == refused:
            raise ConfigRejectedError(f"generation {refused} was taken back from slot {self.slot} before")

    def _verify(self, current: Revision) -> None:
        """What started with this configuration must hold it, as the engine itself says."""
        if current.verified == current.accepted:
            return
        container = self.there().get(current.number)
        problem = self.judge.fresh(current, container.id if container else "", self.shelf.objects(current.number))
        if problem:
            raise ConfigRejectedError(problem)
        self._note(current, verified=current.accepted)

    def _note(self, revision: Revision, **changes: int) -> Revision:
        revision = revision.model_copy(update=changes)
        self.shelf.write(self.shelf.read().with_revision(revision))
        return revision

    def _in_place(self, current: Revision, wanted: Objects, generation: int) -> bool:
        """Whether the engine took it to the letter. Raises ConfigRejectedError, with all put back, where it refuses."""
        before = self._accepted_objects(current)
        # In this order: while the generation is the accepted one, `objects` are what was accepted; then `before` are.
        self.shelf.keep_before(current.number, before)
        current = self._note(current, generation=generation, before=current.accepted)
        self.shelf.write_objects(current.number, wanted)
        since = self.judge.now()
        self._write_objects(current.number, wanted)
        problem = self._await(current, generation, wanted, since=since)
        if problem:
            self._put_back(current, before)
            self._refuse(generation)
            raise ConfigRejectedError(problem)
        if self.judge.differences(current, wanted, before=before):
            return False  # another revision has it to the letter; until then this one is as near as it gets
        self._note(current, accepted=generation, verified=generation)
        return True

    def _await(self, current: Revision, generation: int, wanted: Objects, *, since: float) -> str:
        """Why the engine does not take what was written; empty when its Envoy serves it."""
        looks = 0

        def look() -> str | None:
            nonlocal looks
            looks += 1
            if reach.marker(self.ground.reach, current.address) == (current.number, generation):
                return self.judge.problem(self._container_name(current), since=since)
            return (
                (self.judge.reload_error(self._container_name(current), since=since) or None)
                if not looks % 10
                else None
            )

        seconds = RELOAD_SECONDS + RELOAD_SECONDS_AN_OBJECT * len(wanted)
        said = wait_for(look, clock=self.ground.clock, seconds=seconds, every=LOOK_EVERY)
        if said is None:
            self._put_back(current, self.shelf.before(current.number))
            raise DriverError(f"slot {self.slot} did not load generation {generation} in {seconds:g} s")
        return said

    def _put_back(self, current: Revision, objects: Objects) -> None:
        """What was accepted before, as files and as records; Envoy is waited for, but not for ever."""
        self.shelf.write_objects(current.number, objects)
        self._write_objects(current.number, objects)
        self._note(current, generation=current.accepted)
        wait_for(
            lambda: reach.marker(self.ground.reach, current.address) == (current.number, current.accepted) or None,
            clock=self.ground.clock,
            seconds=RELOAD_SECONDS,
        )

    def _refuse(self, generation: int) -> None:
        record = self.shelf.read()
        newest = max(generation, record.slot(self.slot).refused)
        self.shelf.write(record.with_slot(self.slot, refused=newest))

    def _container_name(self, revision: Revision) -> str:
        return self._name(self.shelf.read(), revision)

    # --- a new revision ----------------------------------------------------------------------------------------------

    def _by_revision(self, wanted: Objects, generation: int, *, owned: Owned, fence: int, refused: int = 0) -> None:
        """`refused`: the newer generation that is taken back by this."""
        self._await_room(owned)
        coming = self._bring(wanted, generation, owned=owned, fence=fence, back=bool(refused))
        problem = self._await_ready(coming)
        if problem:
            with owned():
                self._drop(coming)
            raise ConfigRejectedError(problem)
        with owned():
            old = self._promote(coming, refused=refused)
        self._settle(old)
        with owned():
            self.retire_left(only=old.number)

    def _await_room(self, owned: Owned) -> None:
        """Each old revision is an engine of its own: no more than a few, however often somebody changes rules."""

        def fits() -> bool | None:
            with owned():
                self.retire_left()
                return len(self.shelf.read().leaving(self.slot)) < MOST_LEAVING or None

        patience = self.ground.settings.drain_seconds + RELOAD_SECONDS
        if not wait_for(fits, clock=self.ground.clock, seconds=patience, every=0.25):
            raise DriverError(f"old revisions of slot {self.slot} still have connections", hint="try again later")

    def _bring(self, wanted: Objects, generation: int, *, owned: Owned, fence: int, back: bool) -> Revision:
        with owned():
            record = self.shelf.read()
            current, there = self.require_wanted(record), self.there()
            if not back:
                self._refuse_stale(record, current, generation)
            coming = record.coming(self.slot)
            if coming is not None and coming.generation == generation and coming.engine == current.engine:
                self.raise_revision(record, coming)  # an attempt before this one began it
                return coming
            gone = {record.slot(self.slot).coming} - {0}
            fetched = Fetched(engine=current.engine, envoy=current.envoy)
            before = 0 if back else current.accepted  # what is gone back to has nothing before it
            record, coming = self._new_revision(record, fetched, generation, fence=fence, before=before)
            record = record.with_slot(self.slot, coming=coming.number).without_revisions(gone)
            marked = rendering.marked(wanted, revision=coming.number, generation=generation, address=coming.address)
            self.shelf.write_objects(coming.number, marked)
            self.shelf.keep_before(coming.number, self._accepted_objects(current))
            self.shelf.write(record)
            self._remove(gone, there)
            self.raise_revision(record, coming)
            return coming

    def _await_ready(self, coming: Revision) -> str:
        """Why it does not become what it should be; empty when it serves."""
        objects = self.shelf.objects(coming.number)

        def look() -> str | None:
            serves = reach.marker(self.ground.reach, coming.address) == (coming.number, coming.generation)
            if serves and self._admin(coming).state() == "LIVE":
                container = self.there().get(coming.number)
                return self.judge.fresh(coming, container.id if container else "", objects)
            return self.judge.words(name) or None

        name = self._container_name(coming)
        seconds = self.ground.settings.healthy_seconds + RELOAD_SECONDS_AN_OBJECT * len(objects)
        said = wait_for(look, clock=self.ground.clock, seconds=seconds, every=0.05)
        if said is not None:
            return said
        return f"a new revision of slot {self.slot} did not serve within {seconds:g} s"

    def _drop(self, coming: Revision) -> None:
        """It is refused; what serves stays, and has again what it had accepted, if it was changed already."""
        record = self.shelf.read()
        if record.slot(self.slot).coming != coming.number:
            return
        there = self.there()
        record = record.with_slot(self.slot, coming=0, refused=coming.generation)
        self.shelf.write(record.without_revisions([coming.number]))
        self._remove([coming.number], there)
        current = record.current(self.slot)
        if current is not None and current.generation != current.accepted:
            self._put_back(current, self.shelf.before(current.number))

    def _promote(self, coming: Revision, *, refused: int) -> Revision:
        """The coming revision is current; who was so is asked to let its clients go. Returns that one."""
        record = self.shelf.read()
        old = self.require_wanted(record)
        if old.number == coming.number:
            return old
        if record.slot(self.slot).coming != coming.number:
            raise FencedError(f"slot {self.slot} has another revision coming")
        until = self.ground.clock.now() + timedelta(seconds=self.ground.settings.drain_seconds)
        record = record.with_revision(old.model_copy(update={"leaving_until": until}))
        record = record.with_revision(coming.model_copy(update={"verified": coming.generation}))
        refused = max(refused, record.slot(self.slot).refused)
        record = record.with_slot(self.slot, current=coming.number, coming=0, refused=refused)
        serves = record.edge.serving == self.slot
        if serves:
            record = record.with_edge(leaving=(*record.edge.leaving, old.number))
        self.shelf.write(record)
        if serves:
            self.edges.point(record)
        self._ask_to_leave(old)
        return old

    def _ask_to_leave(self, old: Revision) -> None:
        try:
            self._admin(old).post("/healthcheck/fail")
        except AdminError:  # it answers nobody, so nobody is there to be asked
            return

    def _settle(self, old: Revision) -> None:
        wait_for(
            lambda: self.connections(old) == 0 or None,
            clock=self.ground.clock,
            seconds=self.ground.settings.settling_seconds,
        )

    def retire_left(self, *, only: int = 0) -> None:
        """Remove the old revisions whose clients have gone, or have had their time. Who was cut is noted."""
        record, gone, cut = self.shelf.read(), [], []
        if record.leaving(self.slot):
            self.edges.settle(record)  # whoever promoted the current revision may have been killed right after
        for old in record.leaving(self.slot):
            self._ask_to_leave(old)
            left = self.connections(old)
            overdue = old.leaving_until is None or self.ground.clock.now() >= old.leaving_until
            if (not only or old.number == only) and (not left or overdue):
                gone.append(old.number)
                cut.append(Retired(slot=self.slot, revision=old.number, cut=left))
        if gone:
            there, had_traffic = self.there(), set(gone) & set(record.edge.leaving)
            record = record.without_revisions(gone)
            record = record.model_copy(update={"retired": (*record.retired, *cut)})
            self.shelf.write(record)
            if had_traffic:
                self.edges.point(record)  # nobody may be sent where nobody is
            self._remove(gone, there)

    def revert(self, generation: int, *, owned: Owned, fence: int) -> None:
        """If the slot holds, or was on its way to, `generation`: back to what it had accepted before."""
        with owned():
            record = self.shelf.read()
            current = record.current(self.slot)
            if current is None or current.generation != generation:
                return
            if not current.before and current.generation == current.accepted:  # nothing was held before it
                return
            before = self.shelf.before(current.number)
            if current.generation != current.accepted or not why_not_in_place(
                rendering.without_marker(self.shelf.objects(current.number)), rendering.without_marker(before)
            ):
                self._refuse(generation)
                back = current.before or current.accepted  # an attempt that was killed here has noted it already
                current = self._note(current, accepted=back, verified=back, before=0)
                marked = rendering.marked(
                    before, revision=current.number, generation=current.accepted, address=current.address
                )
                self._put_back(current, marked)
                return
        self._by_revision(before, current.before, owned=owned, fence=fence, refused=generation)

    # --- draining ----------------------------------------------------------------------------------------------------

    def drain(self) -> None:
        record = self.shelf.read()
        current = record.current(self.slot)
        container = self.there().get(current.number) if current else None
        if current is not None and container is not None and container.running:
            self._admin(current).post("/healthcheck/fail")

    def undrain(self) -> None:
        self._admin(self.require_wanted(self.shelf.read())).post("/healthcheck/ok")

    # --- inside ------------------------------------------------------------------------------------------------------

    def _render(self, snapshot: GatewaySnapshot, revision: Revision) -> Objects:
        return rendering.objects(
            snapshot, revision=revision.number, address=revision.address, options=self.ground.options
        )

    def _admin(self, revision: Revision) -> Admin:
        return reach.envoy(self.ground.reach, revision.address)

    def _name(self, record: Record, revision: Revision) -> str:
        return self.ground.names.slot(self.key, record.name, self.slot, revision.number)


def by_revision(found: Iterable[Container]) -> dict[int, Container]:
    return {int(one.labels[names.REVISION]): one for one in found if names.REVISION in one.labels}
