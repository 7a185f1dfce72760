"""The steps that updates add. A new one is added here and in a planner; the kill matrix finds it by itself."""

from __future__ import annotations

from deployments.engine.step import Step
from updates.steps.backup import BackUp, Drill, RestoreDesired
from updates.steps.release import Verify
from updates.steps.soak import CloseSoak, KeepWarm, MakeRoom, Measure

STEPS: tuple[Step, ...] = (
    BackUp(), Drill(), RestoreDesired(), Verify(), MakeRoom(), Measure(), KeepWarm(), CloseSoak(),
)  # fmt: skip
