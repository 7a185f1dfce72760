"""One worker at a time: claim by conditional update, an attempt number that fences, a heartbeat."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from deployments.engine.owner import Owner, is_dead, me
from deployments.models import ACTIVE, Operation, OperationState
from deployments.models.operation import Direction
from egx_project.lib.clock import Clock
from gateways.models import Gateway

HEARTBEAT_SECONDS = 5.0
RELEASE_SECONDS = 3600.0
RELEASE_PAUSE_SECONDS = 0.5
DATABASE_AWAY = (OperationalError, InterfaceError)

_held: set[str] = set()
_held_lock = threading.Lock()


class LostClaimError(Exception):
    """The operation has another attempt now; this one writes nothing more."""


@dataclass(frozen=True)
class Claim:
    operation_id: int
    attempt: int
    fence: int
    owner: Owner


def held_here() -> frozenset[str]:
    with _held_lock:
        return frozenset(_held)


def is_free(operation: Operation) -> bool:
    """Whether the operation waits for a worker: nobody has it, or who had it is dead."""
    if operation.state not in ACTIVE:
        return False
    if not operation.owner:
        return True
    owner = Owner.parse(operation.owner)
    return is_dead(owner, heartbeat_at=operation.heartbeat_at, now=timezone.now(), held_here=held_here())


def take(operation_id: int) -> Claim | None:
    """Make the operation this worker's, with a new attempt number; None when it is somebody else's or finished."""
    operation = Operation.objects.filter(pk=operation_id).first()
    if operation is None or not is_free(operation):
        return None
    owner = me()
    with _held_lock:
        _held.add(owner.token)
    try:
        claim = _take(operation, owner)
    except IntegrityError:  # another configuration of this gateway is being applied: this one comes after it
        claim = None
    except BaseException:
        _let_go(owner)
        raise
    if claim is None:
        _let_go(owner)
    return claim


def _take(operation: Operation, owner: Owner) -> Claim | None:
    with transaction.atomic():
        seen = Operation.objects.filter(
            pk=operation.pk, state__in=ACTIVE, attempt=operation.attempt, owner=operation.owner
        )
        forward = operation.direction == Direction.FORWARD
        claimed = seen.update(
            owner=str(owner),
            attempt=F("attempt") + 1,
            state=OperationState.RUNNING if forward else OperationState.UNDOING,
            heartbeat_at=timezone.now(),
            started_at=operation.started_at or timezone.now(),
        )
        if not claimed:
            return None
        fence = _raise_fence(operation)
        Operation.objects.filter(pk=operation.pk).update(fence=fence)
    return Claim(operation_id=operation.pk, attempt=operation.attempt + 1, fence=fence, owner=owner)


def _raise_fence(operation: Operation) -> int:
    """All attempts on one key are numbered through: on the gateway's row, or where there is none on the operation's.

    Without a gateway nobody else can start one on this key: it is the operation's own, or its last attempt had deleted
    the gateway's row.
    """
    if operation.gateway_id is None:
        return operation.fence + 1
    Gateway.objects.filter(pk=operation.gateway_id).update(fence=F("fence") + 1)
    return Gateway.objects.values_list("fence", flat=True).get(pk=operation.gateway_id)


@contextlib.contextmanager
def fenced(claim: Claim) -> Iterator[Operation]:
    """A transaction in which the claim still holds. Raises LostClaimError, and writes nothing, where it does not."""
    with transaction.atomic():
        operation = (
            Operation.objects.select_for_update(of=("self",))
            .filter(pk=claim.operation_id, attempt=claim.attempt, owner=str(claim.owner))
            .first()
        )
        if operation is None:
            raise LostClaimError(f"attempt {claim.attempt} of operation {claim.operation_id} was superseded")
        yield operation


def release(claim: Claim, *, clock: Clock) -> None:
    """Give the operation back, if it is still ours; an unfinished one is then anybody's.

    While the database is away this waits for it: who looks from elsewhere sees only that this process lives.
    """
    _let_go(claim.owner)
    deadline = clock.monotonic() + RELEASE_SECONDS
    while True:
        try:
            _mine(claim).update(owner="")
        except DATABASE_AWAY:
            connection.close()
            if clock.monotonic() > deadline:
                raise
            clock.pause(RELEASE_PAUSE_SECONDS)
        else:
            return


def _mine(claim: Claim) -> QuerySet[Operation]:
    return Operation.objects.filter(pk=claim.operation_id, attempt=claim.attempt, owner=str(claim.owner))


def _let_go(owner: Owner) -> None:
    with _held_lock:
        _held.discard(owner.token)


@contextlib.contextmanager
def heartbeat(claim: Claim) -> Iterator[None]:
    """Say now and then that the claim's holder lives, for workers on other hosts."""
    done = threading.Event()

    def beat() -> None:
        try:
            while not done.wait(HEARTBEAT_SECONDS):
                try:
                    _mine(claim).update(heartbeat_at=timezone.now())
                except DATABASE_AWAY:
                    connection.close()  # it is asked for again with the next beat
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name=f"heartbeat-{claim.operation_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def attempts_left(operation: Operation) -> bool:
    return operation.attempt <= int(settings.EGX_OPERATION_ATTEMPTS)


def undo_attempts_left(operation: Operation) -> bool:
    """Undo has as many attempts again: an undo that kills its workers must end too."""
    return operation.attempt <= 2 * int(settings.EGX_OPERATION_ATTEMPTS)
