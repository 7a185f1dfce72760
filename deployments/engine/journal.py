"""The operation's rows and events: every line is written under the claim, in one transaction with its event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import timezone

from deployments.engine.claims import Claim, fenced
from deployments.engine.plan import Plan, PlannedStep
from deployments.engine.step import CancelledError, Result, StepError, UnfitEngineError
from deployments.models import Direction, Operation, OperationState, OperationStep, StepState
from deployments.models.operation import BEGUN
from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from egx_project.lib.errors import EgxError

Finished = tuple[OperationStep, Result]
"""A step that has been done, and what it found out."""


def start(claim: Claim) -> Operation:
    """The claimed operation, its beginning (or taking up) announced."""
    with fenced(claim) as operation:
        _tell(EventKind.OPERATION_STARTED, operation, attempt=claim.attempt, direction=operation.direction)
    return operation


def save_plan(claim: Claim, plan: Plan) -> list[OperationStep]:
    """Write the plan's steps and return them in order.

    Steps that an earlier attempt had begun keep their lines, for undo; what of an earlier plan was never begun and is
    not wanted any more is dropped.
    """
    with fenced(claim) as operation:
        known = {_identity(step): step for step in operation.steps.all()}
        wanted = {step.identity for step in plan.steps}
        next_index = max((step.index for step in known.values()), default=-1) + 1
        lines = []
        for offset, planned in enumerate(plan.steps):
            line = known.get(planned.identity) or _new_line(operation, planned, next_index + offset)
            lines.append(line)
        stale = [line.pk for key, line in known.items() if key not in wanted and line.state == StepState.PENDING]
        OperationStep.objects.filter(pk__in=stale).update(state=StepState.DROPPED)
        Operation.objects.filter(pk=operation.pk).update(plan=plan.text(), choices=dict(plan.choices))
    return lines


def _identity(step: OperationStep) -> tuple[str, str]:
    return PlannedStep(name=step.name, cause="", arguments=step.arguments).identity


def _new_line(operation: Operation, planned: PlannedStep, index: int) -> OperationStep:
    return OperationStep.objects.create(
        operation=operation,
        index=index,
        name=planned.name,
        cause=planned.cause,
        arguments=dict(planned.arguments),
    )


def begin(claim: Claim, line: OperationStep, *, after: Finished | None = None) -> None:
    """Write that the step is begun; and, in the same transaction, that the one before it is done.

    Raises CancelledError, having written nothing, where somebody has cancelled the operation.
    """
    with fenced(claim) as operation:
        if operation.cancelled_by:
            raise CancelledError(f"cancelled by {operation.cancelled_by}")
        if after is not None:
            _done(operation, *after)
        _mark(
            operation,
            line,
            StepState.RUNNING,
            attempt=claim.attempt,
            started_at=timezone.now(),
            error="",
            result={},
        )


def _done(operation: Operation, line: OperationStep, result: Result) -> None:
    _mark(operation, line, StepState.DONE, result=result, finished_at=timezone.now())


def turn_back(
    claim: Claim, error: EgxError, *, failed: OperationStep | None = None, after: Finished | None = None
) -> None:
    """From here on the operation is undone, whoever takes it up."""
    with fenced(claim) as operation:
        if after is not None:
            _done(operation, *after)
        if failed is not None:
            unfit = {"unfit_engine": True} if isinstance(error, UnfitEngineError) else {}
            _mark(operation, failed, StepState.FAILED, error=str(error), result=unfit, finished_at=timezone.now())
        Operation.objects.filter(pk=operation.pk).update(
            direction=Direction.BACK, state=OperationState.UNDOING, error=error.message, hint=error.hint
        )
        _tell(EventKind.OPERATION_TURNED_BACK, operation, error=error.message)


def stop_at(claim: Claim, line: OperationStep, error: EgxError) -> None:
    """The operation ends unfinished where nothing can be undone any more: resumed, it goes on forward."""
    with fenced(claim) as operation:
        _mark(operation, line, StepState.FAILED, error=str(error), finished_at=timezone.now())
        left = StepError(
            f"{line.name}: {error.message}",
            hint=f"put right what it says, then `egx op resume {operation.pk}`",
        )
        finish(claim, OperationState.FAILED, error=left)


def begun(claim: Claim) -> list[OperationStep]:
    """The steps that may have left something, newest first."""
    return list(OperationStep.objects.filter(operation=claim.operation_id, state__in=BEGUN).order_by("-index"))


def undoing(claim: Claim, line: OperationStep) -> None:
    with fenced(claim) as operation:
        _mark(operation, line, StepState.UNDOING, attempt=claim.attempt)


def undone(claim: Claim, line: OperationStep) -> None:
    with fenced(claim) as operation:
        _mark(operation, line, StepState.UNDONE, finished_at=timezone.now())


def finish(
    claim: Claim,
    state: OperationState,
    *,
    last: Finished | None = None,
    error: EgxError | None = None,
    result: Mapping[str, Any] | None = None,
) -> None:
    """The operation's end; with `last`, in the same transaction, its last step's."""
    with fenced(claim) as operation:
        if last is not None:
            _done(operation, *last)
        facts: dict[str, Any] = {"state": state, "finished_at": timezone.now(), "owner": ""}
        if error is not None:
            facts |= {"error": error.message, "hint": error.hint}
        if result is not None:
            facts["result"] = {**operation.result, **result}
        Operation.objects.filter(pk=operation.pk).update(**facts)
        _tell(EventKind.OPERATION_FINISHED, operation, state=state, error=facts.get("error", operation.error))


def _mark(operation: Operation, line: OperationStep, state: StepState, **facts: Any) -> None:
    for field, value in {"state": state, **facts}.items():
        setattr(line, field, value)
    OperationStep.objects.filter(pk=line.pk).update(state=state, **facts)
    _tell(EventKind.OPERATION_STEP, operation, index=line.index, name=line.name, state=state, error=line.error)


def _tell(kind: EventKind, operation: Operation, **facts: Any) -> None:
    record(kind, operation.subject, operation=operation.pk, operation_kind=operation.kind, **facts)


def results(lines: Iterable[OperationStep], last: Finished | None) -> dict[str, Any]:
    """What the steps found out, by step; of the last one nothing is written yet."""
    found = {line.name: line.result for line in lines} | ({last[0].name: last[1]} if last else {})
    return {name: result for name, result in found.items() if result}
