"""The context that the executor gives to steps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from deployments.drivers.base import Driver, Scope, SlotName
from deployments.drivers.building import Builder
from deployments.engine.claims import Claim, LostClaimError, fenced
from deployments.engine.step import CancelledError, Means, Patience, Result, StepError
from deployments.models import Operation, OperationStep, Slot, SlotState, StepState
from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from egx_project.lib.clock import Clock, wait_for
from gateways.models import Gateway
from gateways.selectors import snapshot
from gateways.services import delete_gateway, mark_applied, mark_taken_back
from gateways.spec.snapshot import GatewaySnapshot

Seen = TypeVar("Seen")


@dataclass
class Context:
    claim: Claim
    gateway_id: int | None
    means: Means
    scope: Scope
    clock: Clock
    patience: Patience
    _desired: GatewaySnapshot | None = field(default=None, init=False)

    @property
    def driver(self) -> Driver:
        return cast("Driver", self.means)  # which of them it is follows from the kind of the operation

    @property
    def builder(self) -> Builder:
        return cast("Builder", self.means)

    def operation(self) -> Operation:
        return Operation.objects.get(pk=self.claim.operation_id)

    def go_on(self) -> None:
        if by := self.still_ours():
            raise CancelledError(f"cancelled by {by}")

    def still_ours(self) -> str:
        """Who has cancelled the operation, if somebody has. Raises LostClaimError where another attempt has it."""
        now = Operation.objects.filter(pk=self.claim.operation_id).values("attempt", "owner", "cancelled_by").first()
        if now is None or (now["attempt"], now["owner"]) != (self.claim.attempt, str(self.claim.owner)):
            raise LostClaimError(f"attempt {self.claim.attempt} of operation {self.claim.operation_id} was superseded")
        return str(now["cancelled_by"])

    def gateway(self) -> Gateway:
        row = Gateway.objects.select_related("target").filter(pk=self.gateway_id or 0).first()
        if row is None:
            raise StepError("the gateway's rows are gone")
        return row

    def desired(self) -> GatewaySnapshot:
        found = self.desired_if_any()
        if found is None:
            raise StepError("the gateway's rows are gone")
        return found

    def desired_if_any(self) -> GatewaySnapshot | None:
        gateway = None if self.gateway_id is None else Gateway.objects.filter(pk=self.gateway_id).first()
        if gateway is None:
            return None
        # A generation names its contents, so that what was read at one need not be read again.
        if self._desired is None or self._desired.generation != gateway.generation:
            self._desired = snapshot(gateway)
        return self._desired

    def wait_for(self, what: str, look: Callable[[], Seen | None], *, seconds: float) -> Seen:
        seen = wait_for(look, clock=self.clock, seconds=seconds, every=self.driver.look_every)
        if seen is None:
            raise StepError(f"{what} did not happen within {seconds:g} s")
        return seen

    def writing(self) -> AbstractContextManager[Operation]:
        return fenced(self.claim)

    def result_of(self, step: str) -> Result:
        done = OperationStep.objects.filter(operation=self.claim.operation_id, name=step, state=StepState.DONE).last()
        return dict(done.result) if done else {}

    def record_result(self, **facts: Any) -> None:
        with fenced(self.claim) as operation:
            Operation.objects.filter(pk=operation.pk).update(result={**operation.result, **facts})

    def record_progress(self, text: str) -> None:
        with fenced(self.claim) as operation:
            step = OperationStep.objects.filter(operation=operation.pk, state=StepState.RUNNING).last()
            if step is None:
                return
            OperationStep.objects.filter(pk=step.pk).update(result={"progress": text})
            record(
                EventKind.OPERATION_STEP,
                operation.subject,
                operation=operation.pk,
                operation_kind=operation.kind,
                index=step.index,
                name=step.name,
                state=step.state,
                error="",
            )

    def record_slot(self, slot: SlotName, state: SlotState, **facts: str | int) -> None:
        if self.gateway_id is None:
            return
        with fenced(self.claim) as operation:
            row, _ = Slot.objects.get_or_create(gateway_id=self.gateway_id, name=slot)
            before = (row.state, row.version, row.digest, row.generation)
            for field, value in {"state": state, "fence": self.claim.fence, **facts}.items():
                setattr(row, field, value)
            if state == SlotState.SERVING:  # at most one serves; the constraint says so too
                self._demote_others(operation, row)
            row.save()
            if before != (row.state, row.version, row.digest, row.generation):
                _tell(operation, row)

    def _demote_others(self, operation: Operation, row: Slot) -> None:
        for other in Slot.objects.filter(gateway=row.gateway_id, state=SlotState.SERVING).exclude(pk=row.pk):
            other.state = SlotState.WARM
            other.save(update_fields=["state"])
            _tell(operation, other)

    def record_applied(self, generation: int) -> None:
        if self.gateway_id is None:
            return
        with fenced(self.claim):
            mark_applied(gateway_id=self.gateway_id, generation=generation)

    def record_taken_back(self, generation: int) -> None:
        if self.gateway_id is None:
            return
        with fenced(self.claim):
            mark_taken_back(gateway_id=self.gateway_id, generation=generation)

    def forget_gateway(self) -> None:
        if self.gateway_id is None:
            return
        with fenced(self.claim):
            delete_gateway(gateway_id=self.gateway_id)


def _tell(operation: Operation, slot: Slot) -> None:
    record(
        EventKind.SLOT_CHANGED,
        operation.subject,
        operation=operation.pk,
        slot=slot.name,
        state=slot.state,
        version=slot.version,
        generation=slot.generation,
    )
