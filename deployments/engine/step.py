"""What a step is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from deployments.drivers.base import Driver, Scope, SlotName
from deployments.models import SlotState
from egx_project.lib.clock import Clock
from egx_project.lib.errors import EgxError
from gateways.spec.snapshot import GatewaySnapshot

Seen = TypeVar("Seen")
Arguments = Mapping[str, Any]
Result = dict[str, Any]


class StepError(EgxError):
    """A step could not reach what it is for."""

    title = "A step failed"


class CancelledError(EgxError):
    """The operation was cancelled by somebody."""

    title = "Cancelled"


@dataclass(frozen=True)
class Patience:
    """How long steps wait, in seconds."""

    healthy: float
    drain: float


class StepContext(Protocol):
    """A step's view of the world: the runtime, the desired state, time, and the rows it may write."""

    driver: Driver
    scope: Scope
    clock: Clock
    patience: Patience

    def desired(self) -> GatewaySnapshot:
        """The gateway's desired state as of now, not as of the plan."""
        ...

    def wait_for(self, what: str, look: Callable[[], Seen | None], *, seconds: float) -> Seen:
        """What `look` first finds; raises StepError naming `what` at the deadline, and ends early when fenced."""
        ...

    def record_slot(self, slot: SlotName, state: SlotState, **facts: str | int) -> None:
        """Write the slot's row and its event, unless a newer attempt owns the operation."""
        ...

    def record_applied(self, generation: int) -> None:
        """What serves has accepted this generation."""
        ...

    def record_taken_back(self, generation: int) -> None:
        """What serves is back at this generation."""
        ...

    def forget_gateway(self) -> None:
        """Delete the gateway's rows."""
        ...


class Step(Protocol):
    """One journaled change. Both directions are idempotent, and right after a kill at any point of either."""

    name: str
    irreversible: bool
    """A failure of it does not turn the operation back: from its beginning on there is only forward."""

    def do(self, context: StepContext, arguments: Arguments) -> Result: ...

    def undo(self, context: StepContext, arguments: Arguments, result: Result) -> None:
        """Take back what `do` did or had begun; `result` is empty when `do` did not come to its end."""
        ...
