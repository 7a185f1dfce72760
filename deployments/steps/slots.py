"""Slots come and go."""

from __future__ import annotations

import contextlib

from deployments.drivers.base import ConfigRejectedError, Engine, SilentError, SlotName
from deployments.engine.step import Arguments, Result, StepContext, StepError, UnfitEngineError
from deployments.models import SlotState
from deployments.steps.base import NothingToUndo, Reversible, drain, slot, wait_ready
from deployments.steps.configure import what_serves_takes
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

    def undo(self, context: StepContext, arguments: Arguments, _result: Result) -> None:
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
        name = slot(arguments)
        try:
            wait_ready(context, name)
        except StepError as error:
            raise UnfitEngineError(error.message, hint=error.hint) from error
        except ConfigRejectedError as error:
            if what_serves_takes(context, context.desired()):
                raise UnfitEngineError(error.message, hint=error.hint) from error
            raise
        if self._loses_it(context, name):
            raise UnfitEngineError(f"slot {name} became ready, and did not stay so")
        return {}

    def _loses_it(self, context: StepContext, name: SlotName) -> bool:
        def not_ready() -> bool | None:
            return not context.driver.observe(context.scope.key).slots[name].ready or None

        seconds, every = context.patience.steady, context.driver.look_every
        return wait_for(not_ready, clock=context.clock, seconds=seconds, every=every) is not None


class DrainOld(Reversible):
    """Asks the old slot's clients to move. Who cannot move by itself (a WebSocket, a stream, an idle connection) may
    stay until the slot is retired, and is counted."""

    name = "drain_old"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        name = slot(arguments)
        context.record_slot(name, SlotState.DRAINING)
        return drain(context, name, seconds=context.patience.settling)

    def undo(self, context: StepContext, arguments: Arguments, _result: Result) -> None:
        context.driver.undrain(context.scope, slot(arguments))
        context.record_slot(slot(arguments), SlotState.WARM)


class RetireOld(Reversible):
    """Stopped and kept; who is still there is cut, and counted."""

    name = "retire_old"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        name = slot(arguments)
        cut = context.driver.observe(context.scope.key).slots[name].connections
        context.driver.stop_slot(context.scope, name)
        context.record_slot(name, SlotState.STOPPED)
        return {"connections_cut": cut}

    def undo(self, context: StepContext, arguments: Arguments, _result: Result) -> None:
        context.driver.resume_slot(context.scope, slot(arguments))
        wait_ready(context, slot(arguments))
        context.record_slot(slot(arguments), SlotState.WARM)
