"""The configuration's way into engines. The desired state is read when the step runs: the newest counts."""

from __future__ import annotations

from collections.abc import Iterable

from deployments.drivers.base import ConfigRejectedError, Engine, SlotName
from deployments.engine.step import Arguments, Result, StepContext, StepError, UnfitEngineError
from deployments.models import SlotState
from deployments.steps.base import NothingToUndo, Reversible, slot
from gateways.spec.snapshot import GatewaySnapshot


def what_serves_takes(context: StepContext, desired: GatewaySnapshot) -> bool:
    """Whether the engine that serves accepts what another one refuses: then the other one is at fault."""
    observed = context.driver.observe(context.scope.key)
    engine = observed.slots[observed.edge.serving].engine if observed.edge.serving else None
    if engine is None:
        return False
    try:
        context.driver.check_config(engine, desired)
    except ConfigRejectedError:
        return False
    return True


class CheckConfig(NothingToUndo):
    """Every engine that is to have the configuration judges it first, beside what serves."""

    name = "check_config"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        desired = context.desired()
        for engine in self._engines(context, arguments):
            self._check(context, engine, desired, beside="beside" in arguments)
        return {"generation": desired.generation}

    def _check(self, context: StepContext, engine: Engine, desired: GatewaySnapshot, *, beside: bool) -> None:
        try:
            context.driver.check_config(engine, desired)
        except ConfigRejectedError as error:
            if beside and what_serves_takes(context, desired):
                raise UnfitEngineError(error.message, hint=error.hint) from error
            raise

    def _engines(self, context: StepContext, arguments: Arguments) -> Iterable[Engine]:
        if "version" in arguments:
            return [context.driver.pull(Engine(version=arguments["version"]))]
        observed = context.driver.observe(context.scope.key)
        engines = {slot.engine for slot in observed.slots.values() if slot.present and slot.engine}
        return sorted(engines, key=lambda engine: engine.version)


class TryConfig(NothingToUndo):
    """The new slot gets what has been desired since it was started, and must say that it holds it."""

    name = "try_config"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        name, desired = slot(arguments), context.desired()
        try:
            context.driver.configure_slot(context.scope, name, desired)
        except ConfigRejectedError as error:
            if what_serves_takes(context, desired):
                raise UnfitEngineError(error.message, hint=error.hint) from error
            raise
        held = context.driver.observe(context.scope.key).slots[name]
        if not held.ready or held.generation < desired.generation:
            raise StepError(f"slot {name} holds generation {held.generation}, not {desired.generation}")
        return {"generation": held.generation}


class ConfigureSlots(Reversible):
    name = "configure_slots"

    def do(self, context: StepContext, _arguments: Arguments) -> Result:
        desired = context.desired()
        for name in self._live(context):
            context.driver.configure_slot(context.scope, name, desired)
        observed = context.driver.observe(context.scope.key)
        if observed.edge.serving:
            context.record_slot(observed.edge.serving, SlotState.SERVING, generation=desired.generation)
            context.record_applied(desired.generation)
        return {"generation": desired.generation}

    def undo(self, context: StepContext, arguments: Arguments, _result: Result) -> None:
        observed = context.driver.observe(context.scope.key)
        for name in observed.live:
            if observed.slots[name].generation > arguments["before"]:
                context.driver.revert_slot(context.scope, name, observed.slots[name].generation)
        self._record_what_serves(context)

    def _record_what_serves(self, context: StepContext) -> None:
        observed = context.driver.observe(context.scope.key)
        if observed.edge.serving:
            generation = observed.slots[observed.edge.serving].generation
            context.record_slot(observed.edge.serving, SlotState.SERVING, generation=generation)
            context.record_taken_back(generation)

    def _live(self, context: StepContext) -> tuple[SlotName, ...]:
        return context.driver.observe(context.scope.key).live


class NarrowEdge(Reversible):
    """Ports go from the edge before the slots stop to listen behind them."""

    name = "narrow_edge"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        context.driver.configure_edge(context.scope, arguments["ports"], context.desired().generation)
        return {}

    def undo(self, context: StepContext, arguments: Arguments, _result: Result) -> None:
        context.driver.configure_edge(context.scope, arguments["back"], context.desired().generation)


class WidenEdge(Reversible):
    """Ports come to the edge after every slot listens behind them."""

    name = "widen_edge"

    def do(self, context: StepContext, _arguments: Arguments) -> Result:
        desired = context.desired()
        context.driver.configure_edge(context.scope, desired.ports, desired.generation)
        return {"ports": list(desired.ports)}

    def undo(self, context: StepContext, arguments: Arguments, _result: Result) -> None:
        context.driver.configure_edge(context.scope, arguments["back"], context.desired().generation)
