"""What steps share."""

from __future__ import annotations

from deployments.drivers.base import SlotName
from deployments.engine.step import Arguments, Result, StepContext


class Reversible:
    irreversible = False


class NothingToUndo(Reversible):
    """For steps that look, or leave only what may stay."""

    def undo(self, context: StepContext, arguments: Arguments, result: Result) -> None:
        pass


def slot(arguments: Arguments, key: str = "slot") -> SlotName:
    return SlotName(arguments[key])


def wait_ready(context: StepContext, name: SlotName) -> None:
    """Wait until the slot answers; raises StepError at the deadline."""
    context.wait_for(
        f"slot {name} becoming ready",
        lambda: context.driver.observe(context.scope.key).slots[name].ready or None,
        seconds=context.patience.healthy,
    )
