"""The configuration of one slot: in place where that is safe, else by a new revision."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.drivers.base import ConfigRejectedError
from deployments.drivers.docker import rendering
from deployments.drivers.docker.changes import why_not_in_place
from deployments.drivers.docker.in_place import InPlace
from deployments.drivers.docker.judging import Judge
from deployments.drivers.docker.records import Objects, Record, Revision
from deployments.drivers.docker.revisions import Owned, SlotPart
from deployments.drivers.docker.succession import Succession
from gateways.spec.snapshot import GatewaySnapshot


@dataclass
class Configuring(SlotPart):
    in_place: InPlace
    succession: Succession
    judge: Judge

    def configure(self, snapshot: GatewaySnapshot, *, owned: Owned, fence: int) -> None:
        """Give the slot the configuration, in place where that is safe, else by a new revision; each seen to hold it.

        The lock is not held while a new revision starts or an old one's clients go.
        """
        with owned():
            record = self.shelf.read()
            current = self.revisions.require_wanted(record)
            self.revisions.refuse_stale(record, current, snapshot.generation)
            if snapshot.generation == current.accepted:
                self._verify(current)
                return
            wanted = self.revisions.render(snapshot, current)
            if not self.why_not_in_place(current, wanted) and self.in_place.attempt(
                current, wanted, snapshot.generation
            ):
                return
        self.succession.succeed(wanted, snapshot.generation, owned=owned, fence=fence)

    def planned(self, record: Record, snapshot: GatewaySnapshot) -> str:
        """Why this configuration will take a new revision; empty where it goes in place, or is there."""
        current = record.current(self.slot)
        if current is None or snapshot.generation == current.accepted:
            return ""
        return self.why_not_in_place(current, self.revisions.render(snapshot, current))

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
                self.revisions.refuse(generation)
                back = current.before or current.accepted  # an attempt that was killed here has noted it already
                current = self.revisions.note(current, accepted=back, verified=back, before=0)
                marked = rendering.marked(
                    before, revision=current.number, generation=current.accepted, address=current.address
                )
                self.in_place.put_back(current, marked)
                return
        self.succession.succeed(before, current.before, owned=owned, fence=fence, refused=generation)

    def why_not_in_place(self, current: Revision, wanted: Objects) -> str:
        before = self.in_place.accepted(current)
        return why_not_in_place(rendering.without_marker(before), rendering.without_marker(wanted))

    def _verify(self, current: Revision) -> None:
        """What started with this configuration must hold it, as the engine itself says."""
        if current.verified == current.accepted:
            return
        container = self.revisions.there().get(current.number)
        problem = self.judge.fresh(current, container.id if container else "", self.shelf.objects(current.number))
        if problem:
            raise ConfigRejectedError(problem)
        self.revisions.note(current, verified=current.accepted)
