"""Reading operations and slots."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet

from deployments.models import ACTIVE, CONFIGURATION, LIFECYCLE, Operation, OperationState, Slot, SlotState
from deployments.models.operation import OperationKind
from gateways.models import Gateway


def operations() -> QuerySet[Operation]:
    return Operation.objects.prefetch_related("steps")


def active_lifecycle(gateway: Gateway) -> Operation | None:
    return Operation.objects.filter(gateway=gateway, kind__in=LIFECYCLE, state__in=ACTIVE).first()


def waiting_configuration(gateway: Gateway) -> Operation | None:
    """The configuration that no worker has begun: it will take whatever is newest then."""
    return Operation.objects.filter(gateway=gateway, kind__in=CONFIGURATION, state=OperationState.QUEUED).first()


def with_deployments(gateways: QuerySet[Gateway]) -> QuerySet[Gateway]:
    """The gateways with their slots and their unfinished operations, in a constant number of queries."""
    unfinished = Operation.objects.filter(state__in=ACTIVE)
    return gateways.prefetch_related("slots", Prefetch("operations", queryset=unfinished, to_attr="unfinished"))


def gateway_state(gateway: Gateway, *, unfinished: Iterable[Operation], slots: Iterable[Slot]) -> str:
    """pending, deploying, serving, degraded or removing, from the rows."""
    kinds = {operation.kind for operation in unfinished}
    serving = any(slot.state == SlotState.SERVING for slot in slots)
    if OperationKind.REMOVE in kinds:
        return "removing"
    if OperationKind.DEPLOY in kinds:
        return "deploying"
    if not serving:
        return "pending"
    if gateway.applied_generation < gateway.generation and not kinds:
        return "degraded"
    return "serving"


def operation_json(operation: Operation) -> dict[str, Any]:
    return {
        "id": operation.pk,
        "kind": operation.kind,
        "gateway": operation.gateway_name,
        "state": operation.state,
        "attempt": operation.attempt,
        "error": operation.error,
        "hint": operation.hint,
        "requested_by": operation.requested_by,
        "cancelled_by": operation.cancelled_by,
        "created_at": _iso(operation.created_at),
        "started_at": _iso(operation.started_at),
        "finished_at": _iso(operation.finished_at),
        "plan": operation.plan,
        "result": operation.result,
        "steps": [
            {
                "index": step.index,
                "name": step.name,
                "cause": step.cause,
                "state": step.state,
                "error": step.error,
                "result": step.result,
                "started_at": _iso(step.started_at),
                "finished_at": _iso(step.finished_at),
            }
            for step in operation.steps.all()
        ],
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
