"""Before anything is changed."""

from __future__ import annotations

from deployments.drivers.base import Artifact, Engine
from deployments.engine.step import Arguments, Result, StepContext
from deployments.steps.base import NothingToUndo


class Preflight(NothingToUndo):
    name = "preflight"

    def do(self, context: StepContext, arguments: Arguments) -> Result:  # noqa: ARG002
        context.driver.preflight(context.desired())
        return {}


class Pull(NothingToUndo):
    """What was pulled stays: it is checked again before each use, and the next try needs it."""

    name = "pull"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        known = arguments.get("artifact")
        artifact = Artifact(**known) if known else None
        engine = context.driver.pull(Engine(version=arguments["version"], artifact=artifact))
        return {"version": engine.version, "digest": engine.digest}
