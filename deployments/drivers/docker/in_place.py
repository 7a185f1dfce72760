"""A change of a running engine's files, which it reads again; seen to be served, or put back."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.drivers.base import ConfigRejectedError, DriverError
from deployments.drivers.docker.judging import Judge
from deployments.drivers.docker.records import Objects, Revision
from deployments.drivers.docker.revisions import SlotPart
from egx_project.lib.clock import wait_for

RELOAD_SECONDS = 10.0
RELOAD_SECONDS_AN_OBJECT = 0.3
LOOK_EVERY = 0.02
ASK_EVERY = 10
"""Of so many looks at Envoy, one goes to what the engine says: it costs the Engine a request."""


@dataclass
class InPlace(SlotPart):
    judge: Judge

    def attempt(self, current: Revision, wanted: Objects, generation: int) -> bool:
        """Whether the engine took it to the letter. Raises ConfigRejectedError, with all put back, where it refuses."""
        before = self.accepted(current)
        # In this order: while the generation is the accepted one, `objects` are what was accepted; then `before` are.
        self.shelf.keep_before(current.number, before)
        current = self.revisions.note(current, generation=generation, before=current.accepted)
        self.shelf.write_objects(current.number, wanted)
        since = self.judge.now()
        self.revisions.write_objects(current.number, wanted)
        problem = self._await(current, generation, wanted, since=since)
        if problem:
            self.put_back(current, before)
            self.revisions.refuse(generation)
            raise ConfigRejectedError(problem)
        if self.judge.differences(current, wanted, before=before):
            return False  # another revision has it to the letter; until then this one is as near as it gets
        self.revisions.note(current, accepted=generation, verified=generation)
        return True

    def _await(self, current: Revision, generation: int, wanted: Objects, *, since: float) -> str:
        """Why the engine does not take what was written; empty when its Envoy serves it."""
        looks = 0

        def look() -> str | None:
            nonlocal looks
            looks += 1
            if self.revisions.serves(current, generation):
                return self.judge.problem(self.revisions.container_name(current), since=since)
            if looks % ASK_EVERY:
                return None
            return self.judge.reload_error(self.revisions.container_name(current), since=since) or None

        seconds = RELOAD_SECONDS + RELOAD_SECONDS_AN_OBJECT * len(wanted)
        said = wait_for(look, clock=self.ground.clock, seconds=seconds, every=LOOK_EVERY)
        if said is None:
            self.put_back(current, self.shelf.before(current.number))
            raise DriverError(f"slot {self.slot} did not load generation {generation} in {seconds:g} s")
        return said

    def put_back(self, current: Revision, objects: Objects) -> None:
        """What was accepted before, as files and as records; Envoy is waited for, but not for ever."""
        self.shelf.write_objects(current.number, objects)
        self.revisions.write_objects(current.number, objects)
        self.revisions.note(current, generation=current.accepted)
        wait_for(
            lambda: self.revisions.serves(current, current.accepted) or None,
            clock=self.ground.clock,
            seconds=RELOAD_SECONDS,
        )

    def accepted(self, current: Revision) -> Objects:
        """An attempt that was killed may have left newer ones."""
        changing = current.generation != current.accepted
        return self.shelf.before(current.number) if changing else self.shelf.objects(current.number)
