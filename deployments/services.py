"""Asking for changes. A service writes the wish, its operation and the event in one transaction, and wakes a worker."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from deployments import selectors
from deployments.drivers.base import ContainerNews, Driver, Engine, Retirement, Revival
from deployments.drivers.joining import ContainerDriver
from deployments.drivers.registry import BUILDERS, DRIVERS
from deployments.engine import queueing
from deployments.engine.plan import Plan
from deployments.engine.queueing import Matter
from deployments.engine.waiting import runnable
from deployments.models import (
    ACTIVE,
    Operation,
    OperationKind,
    OperationState,
    ServiceState,
    Slot,
    SlotState,
    SupportService,
)
from deployments.planner import Wish, plan_configure, plan_deploy, plan_remove
from deployments.sending import send
from deployments.tasks import driver_of, run_operation
from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from egx_project.lib.clock import SystemClock
from egx_project.lib.errors import BadInputError, ConflictError, NotFoundError
from gateways import services as gateway_services
from gateways.manifests.reader import Manifest
from gateways.manifests.writer import write
from gateways.models import Gateway, Target, TargetKind
from gateways.selectors import snapshot
from gateways.services import Applied, Change, ManifestProblemsError
from gateways.spec.base import ObjectRef, Problem
from gateways.spec.containers import identity_of, problems
from gateways.spec.snapshot import GatewaySnapshot

Condition = Callable[[], None]


def add_target(*, name: str, kind: TargetKind, node: str) -> Target:
    """A new target. Raises BadInputError for a runtime that there is no driver for, ConflictError for a name taken."""
    known = {*DRIVERS, *BUILDERS}
    if kind not in known:
        raise BadInputError(f"this EGX cannot do anything on {kind}", hint=f"it can on: {', '.join(sorted(known))}")
    return gateway_services.add_target(name=name, kind=kind, node=node)


def remove_target(*, name: str) -> None:
    """Forget a target that was never used. Raises NotFoundError and ConflictError."""
    running = SupportService.objects.filter(target__name=name).exclude(wanted=False, state=ServiceState.OFF).first()
    if running is not None:
        raise ConflictError(
            f"target {name} has the support service {running.name}",
            hint=f"take it away first: egx service stop {running.name} --target {name}",
        )
    gateway_services.remove_target(name=name)


@dataclass
class Outcome:
    """What a request for change led to."""

    changes: list[Change] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    plans: dict[str, Plan] = field(default_factory=dict)
    """By gateway, as people write it; for dry runs."""
    fingerprint: str = ""
    """Stands for all of a dry run: what is written, what changes, and each step that follows."""


class PlanChangedError(ConflictError):
    """What would be done now is not what the dry run said; nothing was changed."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("the plan is another now; nothing was changed", hint="read it again")
        self.outcome = outcome
        """What would be done now."""


def apply_manifest(
    manifest: Manifest,
    *,
    target: Target,
    by: str,
    dry_run: bool = False,
    planned: str | None = None,
    condition: Condition | None = None,
    engine: Engine | None = None,
) -> Outcome:
    """Make a manifest what is desired, and ask for what follows from it. All or nothing.

    New gateways get `engine`, or the default one. With `planned`, a dry run's fingerprint, only what that dry run said.
    `condition` raises where it must not be, seen in the transaction that writes. Raises BadInputError with every
    problem and its line, ConflictError where a gateway is on another target, PlanChangedError where something else
    would be done.
    """
    _refuse_unsupported(manifest, target)
    outcome = Outcome(warnings=list(manifest.ignored))
    try:
        with transaction.atomic():
            if condition:
                condition()
            applied = gateway_services.apply(wanted=manifest.objects, target=target)
            outcome.changes += applied.changes
            _try_again(manifest, applied)
            outcome.warnings += _refuse_what_runtimes_cannot(manifest, applied)
            if dry_run or planned is not None:
                _plan(applied, outcome)
                outcome.fingerprint = _fingerprint(manifest, applied, outcome)
            if planned not in {None, outcome.fingerprint}:
                raise PlanChangedError(outcome)
            _follow(applied, outcome, by=by, dry_run=dry_run, engine=engine)
    except ManifestProblemsError as error:
        raise _bad_manifest(manifest, error.problems) from None
    return outcome


def _refuse_unsupported(manifest: Manifest, target: Target) -> None:
    problems = [
        Problem(
            ref=unread.ref,
            message=f"{unread.ref.kind} is not supported on {target.kind} targets",
            hint="it needs the docker or kubernetes runtime",
        )
        for unread in manifest.unsupported
    ]
    if problems:
        raise _bad_manifest(manifest, problems)


def _try_again(manifest: Manifest, applied: Applied) -> None:
    """Applying what is desired already, but never came to serve, asks for it again."""
    refs = [item.ref for item in manifest.objects]
    gateways = Q(
        namespace__in={ref.namespace for ref in refs}, name__in={ref.name for ref in refs if ref.kind == "Gateway"}
    )
    routes = Q(routes__namespace__in={ref.namespace for ref in refs}, routes__name__in={ref.name for ref in refs})
    behind = Gateway.objects.filter(gateways | routes, applied_generation__lt=F("generation")).distinct()
    for gateway in behind.exclude(pk__in=applied.concerned).exclude(operations__state__in=ACTIVE):
        gateway_services.raise_generation(gateway)
        applied.concerned.add(gateway.pk)


def _refuse_what_runtimes_cannot(manifest: Manifest, applied: Applied) -> list[Problem]:
    """Raises with what the runtimes of the gateways concerned cannot do, or not now; returns what they only warn of."""
    found: list[Problem] = []
    for gateway in Gateway.objects.select_related("target").filter(pk__in=applied.concerned):
        driver, wanted = driver_of(gateway.target), snapshot(gateway)
        found += driver.refusals(wanted)
        found += _of_containers(driver, wanted)
        if gateway.target.node == settings.EGX_NODE:  # else it is another host that would have to look
            found += driver.obstacles(wanted)
    if any(problem.severity == "error" for problem in found):
        raise ManifestProblemsError([problem for problem in found if problem.severity == "error"])
    return [_located(manifest, problem) for problem in found]


def _of_containers(driver: Driver, wanted: GatewaySnapshot) -> list[Problem]:
    """What is wrong with backends that stand for containers of users."""
    if wanted.containers and not isinstance(driver, ContainerDriver):
        message = f"gateways on {driver.kind} do not reach containers by name"
        hint = "use a target of kind docker, or an address that the container publishes"
        named = {backend.ref for backend in wanted.backends if identity_of(backend.written)}
        return [Problem(message=message, hint=hint, ref=ref) for ref in sorted(named, key=str)]
    return problems(backend.written for backend in wanted.backends)


def _bad_manifest(manifest: Manifest, problems: Sequence[Problem]) -> BadInputError:
    found = [_located(manifest, problem) for problem in problems]
    return BadInputError("the manifest cannot be applied; nothing was changed", problems=found)


def _located(manifest: Manifest, problem: Problem) -> Problem:
    if problem.ref is None or problem.line:
        return problem
    source, line = manifest.locate(problem.ref, problem.path)
    return problem.model_copy(update={"source": source, "line": line})


def delete_objects(
    refs: Sequence[ObjectRef], *, by: str, dry_run: bool = False, condition: Condition | None = None
) -> Outcome:
    """Delete routes and backends, and ask for what follows. Gateways are removed first."""
    named = {(ref.namespace, ref.name) for ref in refs if ref.kind == "Gateway"}
    there = Gateway.objects.filter(name__in={name for _namespace, name in named}).values_list("namespace", "name")
    if not named.isdisjoint(there):
        raise BadInputError("a gateway is not deleted but removed", hint="egx remove GATEWAY")
    outcome = Outcome()
    with transaction.atomic():
        if condition:
            condition()
        applied = gateway_services.delete(refs=refs)
        outcome.changes += applied.changes
        if dry_run:
            _plan(applied, outcome)
        _follow(applied, outcome, by=by, dry_run=dry_run)
    return outcome


def _follow(applied: Applied, outcome: Outcome, *, by: str, dry_run: bool, engine: Engine | None = None) -> None:
    """Ask for the operations that bring the change to the runtimes, or, in a dry run, take all back."""
    if dry_run:
        transaction.set_rollback(True)
        return
    for gateway in _concerned(applied):
        outcome.operations.append(request_change(gateway=gateway, by=by, engine=engine))


def _concerned(applied: Applied) -> QuerySet[Gateway]:
    return Gateway.objects.select_related("target").filter(pk__in=applied.concerned).order_by("pk")


def _plan(applied: Applied, outcome: Outcome) -> None:
    outcome.plans = {gateway.place: plan_change(gateway) for gateway in _concerned(applied)}


def _fingerprint(manifest: Manifest, applied: Applied, outcome: Outcome) -> str:
    facts = [
        write(manifest.objects),
        [(change.action, str(change.ref)) for change in outcome.changes],
        list(_concerned(applied).values_list("namespace", "name", "target", "generation")),
        [plan.text() for plan in outcome.plans.values()],
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def plan_change(gateway: Gateway) -> Plan:
    """What would be done now to bring the gateway to its desired state. Changes nothing."""
    desired = snapshot(gateway)
    observed = driver_of(gateway.target).observe(gateway.key, desired)
    wish = Wish(name=gateway.place, version=gateway.engine_version)
    return plan_configure(wish, desired, observed) if observed.edge.serving else plan_deploy(wish, desired, observed)


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


def tend(report: Callable[[Revival], None] | None = None) -> int:
    """Start again what died on this node's targets, and record it; how much."""
    count = 0
    for target in Target.objects.filter(node=settings.EGX_NODE, kind__in=DRIVERS):
        for found in driver_of(target).tend():
            if isinstance(found, Retirement):
                _record_retirement(found)
                continue
            if isinstance(found, ContainerNews):
                _record_container(found)
                continue
            count += 1
            _record_revival(found)
            if report:
                report(found)
    return count


def await_death(*, seconds: float) -> None:
    """Return when something that should run on this node's targets has died, or after `seconds`."""
    targets = list(Target.objects.filter(node=settings.EGX_NODE, kind__in=DRIVERS))
    for target in targets:
        driver_of(target).await_death(seconds / len(targets))
    if not targets:
        SystemClock().pause(seconds)


def _subject(key: str, unit: str) -> str:
    pk = key.removeprefix("gw")
    gateway = Gateway.objects.filter(pk=int(pk)).first() if pk.isdigit() else None
    return f"gateway/{gateway.place}" if gateway else f"unit/{unit}"


def _record_retirement(retirement: Retirement) -> None:
    with transaction.atomic():
        record(
            EventKind.REVISION_RETIRED,
            _subject(retirement.key, retirement.unit),
            unit=retirement.unit,
            connections_cut=retirement.cut,
        )


def _record_container(news: ContainerNews) -> None:
    with transaction.atomic():
        record(
            CONTAINER_EVENTS[news.what],
            _subject(news.key, news.container),
            container=news.container,
            reason=news.reason[:300],
        )


CONTAINER_EVENTS = {
    "joined": EventKind.CONTAINER_JOINED,
    "left": EventKind.CONTAINER_LEFT,
    "missing": EventKind.CONTAINER_MISSING,
    "stuck": EventKind.CONTAINER_STUCK,
}


def _record_revival(revival: Revival) -> None:
    with transaction.atomic():
        record(
            EventKind.ENGINE_REVIVED,
            _subject(revival.key, revival.unit),
            unit=revival.unit,
            reason=revival.reason[:300],
            failures=revival.failures,
        )


def plan_removal(gateway: Gateway) -> Plan:
    return plan_remove(Wish(name=gateway.place), driver_of(gateway.target).observe(gateway.key))
