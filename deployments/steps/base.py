"""What steps share."""

from __future__ import annotations

from deployments.drivers.base import ConfigRejectedError, SlotName
from deployments.engine.step import Arguments, Result, StepContext
from egx_project.lib.clock import wait_for


class Reversible:
    irreversible = False
    once = False


class NothingToUndo(Reversible):
    """For steps that look, or leave only what may stay."""

    def undo(self, context: StepContext, arguments: Arguments, result: Result) -> None:
        pass


def slot(arguments: Arguments, key: str = "slot") -> SlotName:
    return SlotName(arguments[key])


def wait_ready(context: StepContext, name: SlotName) -> None:
    """Wait until the slot answers.

    Raises ConfigRejectedError as soon as the engine says what it has against its configuration, StepError at the
    deadline.
    """

    def ready() -> bool | None:
        held = context.driver.observe(context.scope.key).slots[name]
        if held.alive and held.problem:
            raise ConfigRejectedError(held.problem)
        return held.ready or None

    context.wait_for(f"slot {name} becoming ready", ready, seconds=context.patience.healthy)


def drain(context: StepContext, name: SlotName, *, seconds: float) -> Result:
    """Ask the slot's clients to move over and wait until they have, for at most `seconds`; who is left is counted."""
    began = context.clock.monotonic()
    context.driver.drain(context.scope, name)

    def empty() -> bool | None:
        return context.driver.observe(context.scope.key).slots[name].connections == 0 or None

    left = (
        0
        if wait_for(empty, clock=context.clock, seconds=seconds, every=context.driver.look_every)
        else _connections(context, name)
    )
    return {"seconds": round(context.clock.monotonic() - began, 3), "connections_left": left}


def _connections(context: StepContext, name: SlotName) -> int:
    return context.driver.observe(context.scope.key).slots[name].connections
