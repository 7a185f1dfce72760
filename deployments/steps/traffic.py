"""The edge, and where it sends new connections."""

from __future__ import annotations

from deployments.drivers.base import SlotName
from deployments.engine.step import Arguments, Result, StepContext
from deployments.models import SlotState
from deployments.steps.base import Reversible, slot


class OpenEdge(Reversible):
    name = "open_edge"

    def do(self, context: StepContext, _arguments: Arguments) -> Result:
        desired = context.desired()
        context.driver.open_edge(context.scope, desired)
        return {"ports": list(desired.ports)}

    def undo(self, context: StepContext, arguments: Arguments, _result: Result) -> None:
        if arguments["fresh"]:
            context.driver.close_edge(context.scope)


class SwitchTraffic(Reversible):
    name = "switch_traffic"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        to = slot(arguments, "to")
        began = context.clock.monotonic()
        context.driver.undrain(context.scope, to)
        context.driver.switch(context.scope, to)
        seconds = context.clock.monotonic() - began
        held = context.driver.observe(context.scope.key).slots[to]
        context.record_slot(to, SlotState.SERVING, generation=held.generation)
        context.record_applied(held.generation)
        return {"seconds": round(seconds, 3), "generation": held.generation}

    def undo(self, context: StepContext, arguments: Arguments, _result: Result) -> None:
        to, back = slot(arguments, "to"), arguments["back"]
        context.driver.switch(context.scope, SlotName(back) if back else None)
        if back:
            context.record_slot(SlotName(back), SlotState.SERVING)
        if back != to:
            context.record_slot(to, SlotState.WARM)
