"""Before a change: what is there is put away, and, by policy, seen to come back."""

from __future__ import annotations

from dataclasses import replace

from deployments.drivers.base import Driver, Engine, Observation, Probe, Scope, SlotName
from deployments.engine import queueing
from deployments.engine.step import Arguments, Result, StepContext, StepError
from deployments.models import Operation, OperationKind, OperationState
from deployments.steps.base import NothingToUndo, Reversible
from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from gateways import services as gateway_services
from gateways.selectors import snapshot_of
from gateways.services import ManifestProblemsError
from gateways.spec.snapshot import GatewaySnapshot
from updates import backups, probing
from updates.models import Backup


class BackUp(NothingToUndo):
    """A backup stays, whatever becomes of the operation."""

    name = "backup"
    once = True

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        gateway = context.gateway()
        engine = serving_engine(context.driver.observe(context.scope.key))
        manifest = backups.write_backup(gateway, key=arguments["backup"], reason=arguments["reason"], engine=engine)
        with context.writing() as operation:
            backups.note(manifest, gateway=gateway, operation=operation.pk)
        context.record_result(backup_id=manifest.id)
        return {"backup": manifest.id, "files": len(manifest.files)}


def serving_engine(observed: Observation) -> Engine:
    """What serves; nothing where nothing does."""
    serving = observed.edge.serving
    return (observed.slots[serving].engine if serving else None) or Engine(version="")


class Drill(Reversible):
    """The backup is restored into a slot that nobody can reach, and must answer what the gateway answers."""

    name = "drill"
    once = True

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        key = arguments["backup"]
        engine = context.driver.pull(serving_engine(context.driver.observe(context.scope.key)))
        desired = context.desired()
        scratch = replace(context.scope, key=drill_key(context.scope.key))
        restored = snapshot_of(backups.desired_in(key), like=desired, key=scratch.key)
        try:
            asked, found = self._run(context, scratch, engine, restored)
        finally:
            clear(context.driver, scratch)
        problems = probing.worse(asked, found)
        if problems:
            raise StepError(f"backup {key} was restored, and does not answer as the gateway does: {problems[0]}")
        with context.writing() as operation:
            Backup.objects.filter(key=key).update(drilled_at=context.clock.now())
            record(EventKind.BACKUP_DRILLED, operation.subject, operation=operation.pk, backup=key, probes=len(asked))
        return {"probes": len(asked)}

    def _run(
        self, context: StepContext, scratch: Scope, engine: Engine, restored: GatewaySnapshot
    ) -> tuple[dict[Probe, int], dict[Probe, int]]:
        driver, serving = context.driver, context.driver.observe(context.scope.key).edge.serving
        driver.fence(scratch)
        driver.start_slot(scratch, SlotName.BLUE, engine, restored)
        context.wait_for(
            "the restored backup becoming ready",
            lambda: driver.observe(scratch.key).slots[SlotName.BLUE].ready or None,
            seconds=context.patience.healthy,
        )
        asked = probing.probes(restored)
        old = probing.answers(driver, context.scope.key, serving, asked) if serving else {}
        return old, probing.answers(driver, scratch.key, SlotName.BLUE, list(old))

    def undo(self, context: StepContext, _arguments: Arguments, _result: Result) -> None:
        scratch = replace(context.scope, key=drill_key(context.scope.key))
        context.driver.fence(scratch)
        clear(context.driver, scratch)


def drill_key(key: str) -> str:
    """Short, as Unix sockets lie below it."""
    return "d" + key.removeprefix("gw")


def clear(driver: Driver, scratch: Scope) -> None:
    driver.destroy(scratch)


class RestoreDesired(Reversible):
    name = "restore_desired"
    once = True

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        self._apply(context, arguments["backup"])
        return {"generation": context.desired().generation}

    def undo(self, context: StepContext, _arguments: Arguments, _result: Result) -> None:
        made_before = context.result_of("backup").get("backup")
        if made_before:
            self._apply(context, made_before)
            with context.writing() as operation:
                waiting = Operation.objects.filter(
                    gateway=context.gateway(), kind=OperationKind.CONFIGURE, state=OperationState.QUEUED
                )
                if not waiting.exists():  # what is desired again counts as new
                    queueing.add(context.gateway(), OperationKind.CONFIGURE, by=operation.requested_by)

    def _apply(self, context: StepContext, key: str) -> None:
        with context.writing():
            try:
                gateway_services.put_back(gateway=context.gateway(), wanted=backups.desired_in(key))
            except ManifestProblemsError as error:
                said = "; ".join(str(problem) for problem in error.problems)
                raise StepError(f"backup {key} does not fit with what is there: {said}") from error
