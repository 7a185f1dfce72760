"""What a step is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from deployments.drivers.base import Driver, Scope, SlotName
from deployments.drivers.building import Builder
from deployments.engine.plan import Plan
from deployments.models import Operation, SlotState
from egx_project.lib.clock import Clock
from egx_project.lib.errors import EgxError
from gateways.models import Gateway
from gateways.spec.snapshot import GatewaySnapshot

Seen = TypeVar("Seen")
Observed_contra = TypeVar("Observed_contra", contravariant=True)
Means = Driver | Builder
"""What an operation's effects go through. Both are fenced, and looked at before a plan is made."""
Arguments = Mapping[str, Any]
Result = dict[str, Any]


class StepError(EgxError):
    """A step could not reach what it is for."""

    title = "A step failed"


class UnfitEngineError(StepError):
    """The engine itself is at fault: not the disk, not a port, not the network."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint or "what served goes on serving; `egx get releases` says what failed here")


class CancelledError(EgxError):
    """The operation was cancelled by somebody."""

    title = "Cancelled"


@dataclass(frozen=True)
class Patience:
    """How long steps wait, in seconds, and how much they keep."""

    healthy: float
    """Until a new slot is ready."""
    steady: float
    """For which it must then stay so."""
    baseline: float
    """Of traffic that a new engine is compared with."""
    settling: float
    """For clients that move over by themselves."""
    drain: float
    """For clients that do not move over by themselves."""
    absence: float
    """For a runtime that has gone away while an operation is under way."""
    builds_kept: int = 0
    """Builds whose logs stay."""


class StepContext(Protocol):
    """A step's view of the world: the runtime, the desired state, time, and the rows it may write."""

    scope: Scope
    clock: Clock
    patience: Patience

    @property
    def driver(self) -> Driver:
        """Of an operation of a gateway."""
        ...

    @property
    def builder(self) -> Builder:
        """Of an operation of an image."""
        ...

    def operation(self) -> Operation:
        """Its row, as it is now, without a claim to write it."""
        ...

    def go_on(self) -> None:
        """To be called now and then by a step that takes long: it ends early where nobody wants it any more.

        Raises CancelledError where somebody has cancelled the operation, LostClaimError where another attempt has it.
        """
        ...

    def gateway(self) -> Gateway:
        """Its row. Raises StepError where that is gone."""
        ...

    def desired(self) -> GatewaySnapshot:
        """The gateway's desired state as of now, not as of the plan."""
        ...

    def wait_for(self, what: str, look: Callable[[], Seen | None], *, seconds: float) -> Seen:
        """What `look` first finds; raises StepError naming `what` at the deadline, and ends early when fenced."""
        ...

    def writing(self) -> AbstractContextManager[Operation]:
        """A transaction in which this attempt still owns the operation, for rows and events of any app.

        Raises LostClaimError, and nothing is written, where it does not.
        """
        ...

    def result_of(self, step: str) -> Result:
        """What a step of this operation that is done found out; empty where there is none."""
        ...

    def record_result(self, **facts: Any) -> None:
        """Add to the operation's result, whatever its end will be."""
        ...

    def record_progress(self, text: str) -> None:
        """Say how far the step is that runs: for people, until its result takes the place."""
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
    once: bool
    """What it found out holds for all attempts: done by one, it is not done again by the next."""
    irreversible: bool
    """A failure of it does not turn the operation back: from its beginning on there is only forward."""

    def do(self, context: StepContext, arguments: Arguments, /) -> Result: ...

    def undo(self, context: StepContext, arguments: Arguments, result: Result, /) -> None:
        """Take back what `do` did or had begun; `result` is empty when `do` did not come to its end."""
        ...


class Planner(Protocol[Observed_contra]):
    """Pure: the same row, desired state and observation give the same plan."""

    def __call__(self, operation: Operation, desired: GatewaySnapshot | None, observed: Observed_contra, /) -> Plan: ...
