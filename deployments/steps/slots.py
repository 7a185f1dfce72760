"""Slots come and go."""

from __future__ import annotations

import contextlib

from deployments.drivers.base import Engine, SilentError, SlotName
from deployments.engine.step import Arguments, Result, StepContext
from deployments.models import SlotState
from deployments.steps.base import NothingToUndo, Reversible, drain, slot, wait_ready


class StartNew(Reversible):
    name = "start_new"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        name, desired = slot(arguments), context.desired()
        engine = context.driver.pull(Engine(version=arguments["version"]))
        context.driver.start_slot(context.scope, name, engine, desired)
        if arguments["fresh"] and context.driver.observe(context.scope.key).edge.serving != name:
            context.record_slot(
                name,
                SlotState.STARTING,
                version=engine.version,
                digest=engine.digest,
                generation=desired.generation,
            )
        return {"version": engine.version, "digest": engine.digest}

    def undo(self, context: StepContext, arguments: Arguments, result: Result) -> None:  # noqa: ARG002
        if not arguments["fresh"]:  # it ran before this operation, and goes on
            return
        self._let_clients_go(context, slot(arguments))
        context.driver.stop_slot(context.scope, slot(arguments))
        context.record_slot(slot(arguments), SlotState.STOPPED)

    def _let_clients_go(self, context: StepContext, name: SlotName) -> None:
        """Traffic may have been here already: what was switched to the new slot has only just been switched back."""
        with contextlib.suppress(SilentError):  # it answers nobody, so nobody waits for its answer
            drain(context, name, seconds=context.patience.drain)


class WaitHealthy(NothingToUndo):
    name = "wait_healthy"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        wait_ready(context, slot(arguments))
        return {}


class DrainOld(Reversible):
    """Asks the old slot's clients to move; who stays longer than the bound is counted and cut by the next step."""

    name = "drain_old"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        name = slot(arguments)
        context.record_slot(name, SlotState.DRAINING)
        return drain(context, name, seconds=context.patience.drain)

    def undo(self, context: StepContext, arguments: Arguments, result: Result) -> None:  # noqa: ARG002
        context.driver.undrain(context.scope, slot(arguments))
        context.record_slot(slot(arguments), SlotState.WARM)


class RetireOld(Reversible):
    """Stopped and kept."""

    name = "retire_old"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        context.driver.stop_slot(context.scope, slot(arguments))
        context.record_slot(slot(arguments), SlotState.STOPPED)
        return {}

    def undo(self, context: StepContext, arguments: Arguments, result: Result) -> None:  # noqa: ARG002
        context.driver.resume_slot(context.scope, slot(arguments))
        wait_ready(context, slot(arguments))
        context.record_slot(slot(arguments), SlotState.WARM)
