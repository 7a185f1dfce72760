"""Operations: asked for, turned back, taken up again. Each is written with its event in one transaction, and wakes a
worker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from deployments import selectors
from deployments.drivers.base import Engine
from deployments.engine import queueing
from deployments.engine.plan import Plan
from deployments.engine.queueing import Matter
from deployments.engine.waiting import runnable
from deployments.models import ACTIVE, Operation, OperationKind, OperationState, Slot, SlotState
from deployments.planner import Wish, plan_configure, plan_deploy, plan_remove
from deployments.sending import send
from deployments.tasks import driver_of, run_operation
from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from egx_project.lib.errors import ConflictError, NotFoundError
from gateways import services as gateway_services
from gateways.models import Gateway
from gateways.selectors import snapshot

Condition = Callable[[], None]
"""Raises where a change must not be, in the transaction that makes it."""


def plan_change(gateway: Gateway) -> Plan:
    """What would be done now to bring the gateway to its desired state. Changes nothing."""
    desired = snapshot(gateway)
    observed = driver_of(gateway.target).observe(gateway.key, desired)
    wish = Wish(name=gateway.place, version=gateway.engine_version)
    return plan_configure(wish, desired, observed) if observed.edge.serving else plan_deploy(wish, desired, observed)


def plan_removal(gateway: Gateway) -> Plan:
    return plan_remove(Wish(name=gateway.place), driver_of(gateway.target).observe(gateway.key))


def request_change(*, gateway: Gateway, by: str, engine: Engine | None = None) -> Operation:
    """Whatever brings the gateway's newest generation to its runtime: configuration, or its first deployment."""
    serves = Slot.objects.filter(gateway=gateway, state=SlotState.SERVING).exists()
    deploying = selectors.active_lifecycle(gateway)
    if serves or (deploying and deploying.kind == OperationKind.DEPLOY):
        return request_configure(gateway=gateway, by=by)
    return request_deploy(gateway=gateway, by=by, engine=engine)


def request_deploy(*, gateway: Gateway, by: str, engine: Engine | None = None) -> Operation:
    """Deploy the gateway, on another engine than it is to have if one is given.

    Raises ConflictError while another lifecycle operation is at it.
    """
    with transaction.atomic():
        if engine:
            gateway_services.set_engine_version(gateway, engine.version)
        artifact = asdict(engine.artifact) if engine and engine.artifact else None
        options = {"version": gateway.engine_version, "artifact": artifact}
        return queue(gateway, OperationKind.DEPLOY, by=by, options=options)


def request_configure(*, gateway: Gateway, by: str) -> Operation:
    """Bring the newest generation to every slot; joins the one that waits already. Never refused."""
    with transaction.atomic():
        waiting = selectors.waiting_configuration(gateway)
        return waiting or queue(gateway, OperationKind.CONFIGURE, by=by)


def request_remove(*, gateway: Gateway, by: str, condition: Condition | None = None) -> Operation:
    """Remove the gateway. Raises ConflictError while another lifecycle operation is at it."""
    with transaction.atomic():
        if condition:
            condition()
        return queue(gateway, OperationKind.REMOVE, by=by)


def queue(
    gateway: Gateway,
    kind: OperationKind,
    *,
    by: str,
    options: dict[str, Any] | None = None,
    result: dict[str, Any] | None = None,
) -> Operation:
    """A new operation, and a worker woken for it. Raises ConflictError, naming it, where another one is at the gateway.

    `options` are what its planner needs to know, `result` what is known of its end already.
    """
    return queue_about(queueing.of_gateway(gateway), kind, by=by, options=options, result=result)


def queue_about(
    matter: Matter,
    kind: OperationKind,
    *,
    by: str,
    options: dict[str, Any] | None = None,
    result: dict[str, Any] | None = None,
) -> Operation:
    """The same, of whatever it is about."""
    try:
        with transaction.atomic():
            operation = queueing.add_about(matter, kind, by=by, options=options, result=result)
            _wake_worker(operation)
    except IntegrityError:
        first = selectors.active_of(matter.subject)
        if first is None:
            raise
        raise ConflictError(
            f"operation {first.pk} ({first.kind}) of {first.about} is not finished",
            hint=f"wait for it (`egx op follow {first.pk}`) or cancel it (`egx op cancel {first.pk}`)",
        ) from None
    return operation


def _wake_worker(operation: Operation) -> None:
    """After the commit: a message before it would find nothing to do."""
    transaction.on_commit(partial(send, run_operation, operation.pk, node=operation.target.node))


def find_operation(operation_id: int) -> Operation:
    operation = selectors.operations().filter(pk=operation_id).first()
    if operation is None:
        raise NotFoundError(f"there is no operation {operation_id}", hint="`egx get operations` lists them")
    return operation


def cancel(*, operation_id: int, by: str) -> Operation:
    """Ask the operation to turn back at its next step. Raises ConflictError for one that is finished."""
    with transaction.atomic():
        asked = Operation.objects.filter(pk=operation_id, state__in=ACTIVE).update(cancelled_by=by)
        operation = find_operation(operation_id)
        if not asked:
            raise ConflictError(f"operation {operation_id} is finished: {operation.state}")
        record(EventKind.OPERATION_CANCELLING, operation.subject, operation=operation.pk, by=by)
        _wake_worker(operation)
    return operation


def resume(*, operation_id: int, by: str) -> Operation:
    """Take up a failed operation again, in the direction in which it was going, with fresh attempts."""
    with transaction.atomic():
        taken = Operation.objects.filter(pk=operation_id, state=OperationState.FAILED).update(
            state=OperationState.QUEUED,
            attempt=F("attempt") - F("attempt"),
            finished_at=None,
            cancelled_by="",
        )
        operation = find_operation(operation_id)
        if not taken:
            how = "it is at work" if operation.is_active else "ask for the change again instead"
            raise ConflictError(f"operation {operation_id} is {operation.state}, not failed", hint=how)
        queueing.tell(operation, by=by)
        _wake_worker(operation)
    return operation


def wake_stale() -> int:
    """Wake a worker for every operation that waits for one, whoever lost its message; how many."""
    waiting = runnable(everywhere=True)
    for operation in waiting:
        send(run_operation, operation.pk, node=operation.target.node)
    return len(waiting)
