"""The way out."""

from __future__ import annotations

from deployments.drivers.base import SlotName
from deployments.engine.step import Arguments, Result, StepContext
from deployments.models import SlotState
from deployments.steps.base import NothingToUndo, Reversible, drain, slot, wait_ready

GRACE_SECONDS = 2.0
"""How long requests in flight may take when their gateway is removed."""


class DrainClients(Reversible):
    name = "drain_clients"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        name = slot(arguments)
        context.record_slot(name, SlotState.DRAINING)
        return drain(context, name, seconds=GRACE_SECONDS)

    def undo(self, context: StepContext, arguments: Arguments, _result: Result) -> None:
        context.driver.undrain(context.scope, slot(arguments))
        context.record_slot(slot(arguments), SlotState.SERVING)


class CloseEdge(Reversible):
    name = "close_edge"

    def do(self, context: StepContext, _arguments: Arguments) -> Result:
        context.driver.close_edge(context.scope)
        return {}

    def undo(self, context: StepContext, _arguments: Arguments, _result: Result) -> None:
        context.driver.reopen_edge(context.scope)


class StopSlots(Reversible):
    name = "stop_slots"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        for name in arguments["slots"]:
            context.driver.stop_slot(context.scope, SlotName(name))
            context.record_slot(SlotName(name), SlotState.STOPPED)
        return {}

    def undo(self, context: StepContext, arguments: Arguments, _result: Result) -> None:
        for name in arguments["slots"]:
            context.driver.resume_slot(context.scope, SlotName(name))
            wait_ready(context, SlotName(name))
            context.record_slot(SlotName(name), SlotState.WARM)


class Forget(NothingToUndo):
    """The point of no return: what is left after it can only be removed further, and the next attempt does."""

    name = "forget"
    irreversible = True

    def do(self, context: StepContext, _arguments: Arguments) -> Result:
        context.driver.destroy(context.scope)
        context.forget_gateway()
        return {}
