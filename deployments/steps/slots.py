"""Slots come and go."""

from __future__ import annotations

from deployments.drivers.base import Engine
from deployments.engine.step import Arguments, Result, StepContext
from deployments.models import SlotState
from deployments.steps.base import NothingToUndo, Reversible, slot, wait_ready
from egx_project.lib.clock import wait_for


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
        context.driver.stop_slot(context.scope, slot(arguments))
        context.record_slot(slot(arguments), SlotState.STOPPED)


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
        context.driver.drain(context.scope, name)
        began = context.clock.monotonic()
        wait_for(
            lambda: True if context.driver.observe(context.scope.key).slots[name].connections == 0 else None,
            clock=context.clock,
            seconds=context.patience.drain,
        )
        left = context.driver.observe(context.scope.key).slots[name].connections
        return {"seconds": round(context.clock.monotonic() - began, 3), "connections_left": left}

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
