"""The row of a new operation, with its event: that alone makes it happen. Waking a worker makes it happen sooner."""

from __future__ import annotations

from typing import Any

from deployments.models import UNTOLD, Operation, OperationKind
from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from gateways.models import Gateway


def add(
    gateway: Gateway,
    kind: OperationKind,
    *,
    by: str,
    options: dict[str, Any] | None = None,
    result: dict[str, Any] | None = None,
) -> Operation:
    """In the caller's transaction. Raises IntegrityError where the gateway may have no such operation now."""
    operation = Operation.objects.create(
        kind=kind,
        gateway=gateway,
        target=gateway.target,
        gateway_key=gateway.key,
        gateway_name=gateway.place,
        options=options or {},
        result=result or {},
        requested_by=by,
    )
    tell(operation, by=by)
    return operation


def tell(operation: Operation, *, by: str) -> None:
    """That the operation waits, with what is known of it already."""
    told = operation.steps.exclude(state__in=UNTOLD).order_by("index")
    record(
        EventKind.OPERATION_QUEUED,
        operation.subject,
        operation=operation.pk,
        operation_kind=operation.kind,
        by=by,
        error=operation.error,
        steps={str(step.index): {"name": step.name, "state": step.state} for step in told},
    )
