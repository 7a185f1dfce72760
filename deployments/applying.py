"""Manifests made what is desired, and what follows from them asked for, in one transaction: all or nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from deployments.drivers.base import Driver, Engine
from deployments.drivers.joining import ContainerDriver
from deployments.engine.plan import Plan
from deployments.models import ACTIVE, Operation
from deployments.services import Condition, plan_change, request_change
from deployments.tasks import driver_of
from egx_project.lib.errors import BadInputError, ConflictError
from gateways import services as gateway_services
from gateways.manifests.reader import Manifest
from gateways.manifests.writer import write
from gateways.models import Gateway, Target
from gateways.selectors import snapshot
from gateways.services import Applied, Change, ManifestProblemsError
from gateways.spec.base import ObjectRef, Problem
from gateways.spec.containers import identity_of, problems
from gateways.spec.snapshot import GatewaySnapshot


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
