"""A new revision takes the place of a slot's current one, whose clients are let go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from deployments.drivers.base import ConfigRejectedError, DriverError, FencedError
from deployments.drivers.docker import rendering
from deployments.drivers.docker.images import Fetched
from deployments.drivers.docker.in_place import RELOAD_SECONDS, RELOAD_SECONDS_AN_OBJECT, InPlace
from deployments.drivers.docker.judging import Judge
from deployments.drivers.docker.records import Objects, Record, Retired, Revision
from deployments.drivers.docker.revisions import Owned, SlotPart
from deployments.drivers.envoy.admin import AdminError
from egx_project.lib.clock import wait_for

MOST_LEAVING = 2
"""Old revisions of a slot that may still have connections; each is an engine of 150 MB."""


class Edges(Protocol):
    """What a slot needs of the gateway's edges."""

    def point(self, record: Record) -> None:
        """Send new connections where the record says; return when the edges themselves say so."""
        ...

    def settle(self, record: Record) -> None:
        """The same, where they do not say so already."""
        ...


@dataclass
class Succession(SlotPart):
    in_place: InPlace
    judge: Judge
    edges: Edges

    def succeed(self, wanted: Objects, generation: int, *, owned: Owned, fence: int, refused: int = 0) -> None:
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
            current, there = self.revisions.require_wanted(record), self.revisions.there()
            if not back:
                self.revisions.refuse_stale(record, current, generation)
            coming = record.coming(self.slot)
            if coming is not None and coming.generation == generation and coming.engine == current.engine:
                self.revisions.raise_one(record, coming)  # an attempt before this one began it
                return coming
            gone = {record.slot(self.slot).coming} - {0}
            fetched = Fetched(engine=current.engine, envoy=current.envoy)
            before = 0 if back else current.accepted  # what is gone back to has nothing before it
            record, coming = self.revisions.new(record, fetched, generation, fence=fence, before=before)
            record = record.with_slot(self.slot, coming=coming.number).without_revisions(gone)
            marked = rendering.marked(wanted, revision=coming.number, generation=generation, address=coming.address)
            self.shelf.write_objects(coming.number, marked)
            self.shelf.keep_before(coming.number, self.in_place.accepted(current))
            self.shelf.write(record)
            self.revisions.remove(gone, there)
            self.revisions.raise_one(record, coming)
            return coming

    def _await_ready(self, coming: Revision) -> str:
        """Why it does not become what it should be; empty when it serves."""
        objects = self.shelf.objects(coming.number)

        def look() -> str | None:
            serves = self.revisions.serves(coming, coming.generation)
            if serves and self.revisions.admin(coming).state() == "LIVE":
                container = self.revisions.there().get(coming.number)
                return self.judge.fresh(coming, container.id if container else "", objects)
            return self.judge.words(name) or None

        name = self.revisions.container_name(coming)
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
        there = self.revisions.there()
        record = record.with_slot(self.slot, coming=0, refused=coming.generation)
        self.shelf.write(record.without_revisions([coming.number]))
        self.revisions.remove([coming.number], there)
        current = record.current(self.slot)
        if current is not None and current.generation != current.accepted:
            self.in_place.put_back(current, self.shelf.before(current.number))

    def _promote(self, coming: Revision, *, refused: int) -> Revision:
        """The coming revision is current; who was so is asked to let its clients go. Returns that one."""
        record = self.shelf.read()
        old = self.revisions.require_wanted(record)
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
            self.revisions.admin(old).post("/healthcheck/fail")
        except AdminError:  # it answers nobody, so nobody is there to be asked
            return

    def _settle(self, old: Revision) -> None:
        wait_for(
            lambda: self.revisions.connections(old) == 0 or None,
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
            left = self.revisions.connections(old)
            overdue = old.leaving_until is None or self.ground.clock.now() >= old.leaving_until
            if (not only or old.number == only) and (not left or overdue):
                gone.append(old.number)
                cut.append(Retired(slot=self.slot, revision=old.number, cut=left))
        if gone:
            there, had_traffic = self.revisions.there(), set(gone) & set(record.edge.leaving)
            record = record.without_revisions(gone)
            record = record.model_copy(update={"retired": (*record.retired, *cut)})
            self.shelf.write(record)
            if had_traffic:
                self.edges.point(record)  # nobody may be sent where nobody is
            self.revisions.remove(gone, there)
