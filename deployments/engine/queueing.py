"""The row of a new operation, with its event: that alone makes it happen. Waking a worker makes it happen sooner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deployments.models import UNTOLD, Operation, OperationKind
from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from gateways.models import Gateway, Target


@dataclass(frozen=True)
class Matter:
    """What an operation is about."""

    subject: str
    """In the names of events."""
    key: str
    """Outside the database."""
    target: Target
    """Whose node's workers do it."""
    gateway: Gateway | None = None


def of_gateway(gateway: Gateway) -> Matter:
    return Matter(subject=f"gateway/{gateway.place}", key=gateway.key, target=gateway.target, gateway=gateway)


def add(
    gateway: Gateway,
    kind: OperationKind,
    *,
    by: str,
    options: dict[str, Any] | None = None,
    result: dict[str, Any] | None = None,
) -> Operation:
    """In the caller's transaction. Raises IntegrityError where the gateway may have no such operation now."""
    return add_about(of_gateway(gateway), kind, by=by, options=options, result=result)


def add_about(
    matter: Matter,
    kind: OperationKind,
    *,
    by: str,
    options: dict[str, Any] | None = None,
    result: dict[str, Any] | None = None,
) -> Operation:
    """In the caller's transaction. Raises IntegrityError where there may be no such operation of it now."""
    operation = Operation.objects.create(
        kind=kind,
        gateway=matter.gateway,
        target=matter.target,
        key=matter.key,
        subject=matter.subject,
        gateway_name=matter.gateway.place if matter.gateway else "",
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
