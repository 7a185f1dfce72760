"""Carries out operations: claim, observe, plan, journal, do; and back again where it must."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from deployments.drivers.base import AbsentError, FencedError, Scope
from deployments.engine import claims, journal
from deployments.engine.absence import outlast
from deployments.engine.claims import Claim, LostClaimError
from deployments.engine.context import Context
from deployments.engine.plan import Plan
from deployments.engine.step import CancelledError, Means, Patience, Planner, Result, Step, StepError
from deployments.models import CONFIGURATION, Direction, Operation, OperationState, OperationStep, StepState
from egx_project.lib.clock import Clock
from egx_project.lib.errors import EgxError

log = structlog.get_logger(__name__)

UNDO_TRIES = 3
UNDO_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Workshop:
    """What the executor works with. It is handed in, so that the engine stands on nothing above it."""

    plan: Planner[Any]
    steps: Mapping[str, Step]
    driver_for: Callable[[Operation], Means]
    clock: Clock
    patience: Patience


def run(operation_id: int, workshop: Workshop) -> None:
    """Take the operation up, if it is free, and bring it to an end.

    Ends quietly when somebody else has it or takes it over. An exception that is not about the operation (the
    database is away, say) leaves it unowned for the next worker.
    """
    claim = claims.take(operation_id)
    if claim is None:
        return
    with structlog.contextvars.bound_contextvars(operation_id=operation_id, attempt=claim.attempt):
        try:
            with claims.heartbeat(claim):
                _carry_out(claim, workshop)
        except (LostClaimError, FencedError) as lost:
            log.info("superseded", reason=str(lost))
        finally:
            claims.release(claim, clock=workshop.clock)


def _carry_out(claim: Claim, workshop: Workshop) -> None:
    operation = journal.start(claim)
    context = _context(claim, operation, workshop)
    if operation.direction == Direction.FORWARD:
        if not claims.attempts_left(operation):
            journal.turn_back(claim, _gave_up(operation))
        elif _forward(claim, operation, context, workshop):
            return
    elif not claims.undo_attempts_left(operation):
        journal.finish(claim, OperationState.FAILED, error=_gave_up(operation))
        return
    _back(claim, context, workshop)


def _gave_up(operation: Operation) -> StepError:
    return StepError(
        f"given up after {operation.attempt - 1} attempts, each ended by the death of its worker",
        hint="see EGX's log for what ends it",
    )


def _context(claim: Claim, operation: Operation, workshop: Workshop) -> Context:
    return Context(
        claim=claim,
        gateway_id=operation.gateway_id,
        means=workshop.driver_for(operation),
        scope=Scope(
            key=operation.key,
            fence=claim.fence,
            realm="configuration" if operation.kind in CONFIGURATION else "lifecycle",
        ),
        clock=workshop.clock,
        patience=workshop.patience,
    )


def _forward(claim: Claim, operation: Operation, context: Context, workshop: Workshop) -> bool:
    """Do the plan's steps; False when the operation has turned back instead of coming to an end."""
    try:
        context.means.fence(context.scope)
        lines = journal.save_plan(claim, _plan(operation, context, workshop))
    except EgxError as error:
        _unless_lost(error)
        journal.turn_back(claim, error)
        return False
    before: tuple[OperationStep, Result] | None = None
    for line in lines:
        if line.state == StepState.DONE and workshop.steps[line.name].once:
            continue
        try:
            journal.begin(claim, line, after=before)
        except CancelledError as error:
            journal.turn_back(claim, error, after=before)
            return False
        try:
            before = (line, _do_patiently(context, workshop, operation, line))
        except EgxError as error:
            _unless_lost(error)
            if workshop.steps[line.name].irreversible:
                journal.stop_at(claim, line, error)
                return True
            journal.turn_back(claim, error, failed=line)
            return False
    journal.finish(claim, OperationState.DONE, last=before, result=journal.results(lines, before))
    return True


def _plan(operation: Operation, context: Context, workshop: Workshop) -> Plan:
    desired = context.desired_if_any()
    looked = context.means.observe(operation.key) if desired is None else context.driver.observe(operation.key, desired)
    return workshop.plan(operation, desired, looked)


def _do_patiently(context: Context, workshop: Workshop, operation: Operation, line: OperationStep) -> Result:
    """Once the operation is under way, it waits for a runtime that goes away; one that is not there says so at once."""
    if line.index == 0 and operation.kind not in CONFIGURATION:
        return _do(context, workshop, line)
    return outlast(context, lambda: _do(context, workshop, line), go_on=context.go_on)


def _do(context: Context, workshop: Workshop, line: OperationStep) -> Result:
    log.info("step", name=line.name, index=line.index)
    try:
        return workshop.steps[line.name].do(context, line.arguments)
    except (EgxError, LostClaimError, *claims.DATABASE_AWAY):
        raise
    except Exception as error:  # a fault of ours must end the operation as any failure does: undone, and said
        log.exception("step broke", name=line.name)
        raise StepError(f"{line.name} broke: {type(error).__name__}: {error}", hint="see EGX's log") from error


def _unless_lost(error: EgxError) -> None:
    if isinstance(error, FencedError):
        raise error


def _back(claim: Claim, context: Context, workshop: Workshop) -> None:
    """Undo what was begun, newest first."""
    try:
        context.means.fence(context.scope)
    except EgxError as error:
        _unless_lost(error)
        journal.finish(claim, OperationState.FAILED, error=error)
        return
    for line in journal.begun(claim):
        journal.undoing(claim, line)
        remains = _undo(context, workshop, line)
        if remains is not None:
            left = StepError(
                f"{line.name} could not be undone: {remains.message}",
                hint=f"put right what it says, then `egx op resume {claim.operation_id}`",
            )
            journal.finish(claim, OperationState.FAILED, error=left)
            return
        journal.undone(claim, line)
    journal.finish(claim, OperationState.ROLLED_BACK)


def _undo(context: Context, workshop: Workshop, line: OperationStep) -> EgxError | None:
    """Undo one step, trying again a little later where it fails; the error that remains."""
    remains = _undo_once(context, workshop, line)
    for _again in range(UNDO_TRIES - 1):
        if remains is None or isinstance(remains, AbsentError):  # it was waited for already
            break
        context.clock.pause(UNDO_PAUSE_SECONDS)
        remains = _undo_once(context, workshop, line)
    return remains


def _undo_once(context: Context, workshop: Workshop, line: OperationStep) -> EgxError | None:
    step = workshop.steps[line.name]

    def undo() -> None:
        step.undo(context, line.arguments, line.result)

    try:
        outlast(context, undo, go_on=context.still_ours)
    except (FencedError, LostClaimError, *claims.DATABASE_AWAY):
        raise
    except EgxError as failed:
        return failed
    except Exception as broken:  # as in `_do`
        log.exception("undo broke", name=line.name)
        return StepError(f"{type(broken).__name__}: {broken}")
    return None
