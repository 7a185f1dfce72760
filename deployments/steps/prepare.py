"""Before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass, field

from deployments.drivers.base import Artifact, Engine
from deployments.engine.step import Arguments, Result, StepContext
from deployments.steps.base import NothingToUndo

TELL_SECONDS = 0.5
MEGABYTE = 1_000_000


class Preflight(NothingToUndo):
    name = "preflight"

    def do(self, context: StepContext, _arguments: Arguments) -> Result:
        context.driver.preflight(context.desired())
        return {}


class Pull(NothingToUndo):
    """What was pulled stays: it is checked again before each use, and the next try needs it."""

    name = "pull"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        known = arguments.get("artifact")
        artifact = Artifact(**known) if known else None
        wanted = Engine(version=arguments["version"], artifact=artifact)
        engine = context.driver.pull(wanted, Told(context))
        return {"version": engine.version, "digest": engine.digest}


@dataclass
class Told:
    """How far a pull is, for whoever watches the operation; and whether anybody still wants it."""

    context: StepContext
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)
    told_at: float = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        self.parts[what] = (done, total)
        now = self.context.clock.monotonic()
        if now - self.told_at >= TELL_SECONDS:
            self.context.go_on()
            self.told_at = now
            done, total = (sum(numbers) for numbers in zip(*self.parts.values(), strict=True))
            of = f" in {len(self.parts)} layers" if len(self.parts) > 1 else ""
            self.context.record_progress(f"{done / MEGABYTE:.0f} of {total / MEGABYTE:.0f} MB{of}")
