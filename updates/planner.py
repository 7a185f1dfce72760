"""The steps that replace what serves, and why: pure functions of what is desired and what is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployments.drivers.base import Observation, SlotName
from deployments.engine.plan import Plan, PlannedStep
from deployments.models import Operation, OperationKind
from deployments.planner import listed, pull
from egx_project.lib.errors import ConflictError
from gateways.spec.snapshot import GatewaySnapshot
from updates.channels.registry import ENVOY, GATEWAY, TITLES


def plan(operation: Operation, desired: GatewaySnapshot | None, observed: Observation) -> Plan:
    """The plan of an operation row."""
    if desired is None:
        raise ConflictError(f"gateway {operation.gateway_name} is gone")
    asked, choices = operation.options, operation.choices or None
    return PLANS[OperationKind(operation.kind)](operation.gateway_name, asked, desired, observed, choices)


Options = Mapping[str, Any]
"""Of an operation: `version`, `from`, `artifact`, `channel`, `backup`, `reason`, `limits`; see `updates/asking.py`."""


def plan_update(
    name: str, asked: Options, desired: GatewaySnapshot, observed: Observation, choices: Options | None = None
) -> Plan:
    """Put another engine beside what serves, and traffic on it once it has proved itself."""
    choices = dict(choices or choose(asked, observed))
    title = f"update gateway {name}: {engine_of(asked)} {asked['from']} to {asked['version']}, slot {choices['new']}"
    steps = [*_before(asked, backup=True), *_replace(asked, choices)]
    return Plan(title=title, steps=tuple(steps), notes=tuple(_notes(asked, desired, choices)), choices=choices)


def plan_rollback(
    name: str, asked: Options, desired: GatewaySnapshot, observed: Observation, choices: Options | None = None
) -> Plan:
    """Back to the engine before: at once where it still runs, else as an update is done."""
    choices = dict(choices or choose(asked, observed))
    how = f"slot {choices['new']} is still warm" if choices["warm"] else f"started anew in slot {choices['new']}"
    title = f"roll gateway {name} back: {engine_of(asked)} {asked['from']} to {asked['version']}, {how}"
    steps = _switch(asked, choices) if choices["warm"] else [*_before(asked), *_replace(asked, choices)]
    return Plan(title=title, steps=tuple(steps), notes=tuple(_notes(asked, desired, choices)), choices=choices)


def plan_restore(
    name: str, asked: Options, desired: GatewaySnapshot, observed: Observation, choices: Options | None = None
) -> Plan:
    """What was desired when the backup was made is desired again, and then the engine of then serves it."""
    choices = dict(choices or {**choose(asked, observed), "ports": list(observed.edge.ports)})
    title = f"restore gateway {name} from {asked['restore']}"
    gone, come = _ports(asked, choices)
    kept = sorted(set(choices["ports"]) - set(gone))
    steps = [
        _backup(asked, "what is there now can be had back"),
        PlannedStep("restore_desired", f"as {asked['restore']} has it", {"backup": asked["restore"]}),
        PlannedStep("check_config", "a configuration that the engine refuses must not get further"),
    ]
    if gone:
        back = {"ports": kept, "back": choices["ports"]}
        steps.append(PlannedStep("narrow_edge", f"ports {listed(gone)} were not wanted then", back))
    steps.append(
        PlannedStep("configure_slots", "what serves takes the configuration of then", {"before": choices["generation"]})
    )
    if come:
        steps.append(PlannedStep("widen_edge", f"ports {listed(come)} were wanted then", {"back": kept}))
    if asked["version"] != asked["from"]:
        steps += [*_before(asked)[1:], *_replace(asked, choices)]
    notes = _notes(asked, desired, choices) if asked["version"] != asked["from"] else []
    return Plan(title=title, steps=tuple(steps), notes=tuple(notes), choices=choices)


def plan_retire(
    name: str, asked: Options, desired: GatewaySnapshot, observed: Observation, choices: Options | None = None
) -> Plan:
    """Stop the slot that a switch has left."""
    del desired, observed
    step = PlannedStep("retire_old", asked["reason"], {"slot": asked["slot"]})
    title = f"retire slot {asked['slot']} of gateway {name}"
    return Plan(
        title=title, steps=(step, PlannedStep("close_soak", "nothing is left to watch", {})), choices=choices or {}
    )


PLANS = {
    OperationKind.UPDATE: plan_update,
    OperationKind.ROLLBACK: plan_rollback,
    OperationKind.RESTORE: plan_restore,
    OperationKind.RETIRE: plan_retire,
}


def engine_of(asked: Options) -> str:
    """Its name."""
    return TITLES.get(asked["channel"], TITLES[ENVOY])


def choose(asked: Options, observed: Observation) -> dict[str, Any]:
    """Which slot is the new one, decided once for all attempts. Raises ConflictError where nothing serves."""
    serving = observed.edge.serving
    if serving is None:
        raise ConflictError("nothing serves that could be replaced", hint="deploy the gateway first")
    other = observed.slots[serving.other]
    fits = other.engine is not None and other.engine.version == asked["version"]
    return {
        "new": str(serving.other),
        "old": str(serving),
        "warm": other.present and other.alive and other.ready and fits,
        "in_the_way": other.present,
        "generation": observed.slots[serving].generation,
    }


def _before(asked: Options, *, backup: bool = False) -> list[PlannedStep]:
    version = asked["version"]
    steps = [PlannedStep("preflight", "ports, disk and permissions are looked at before anything is changed")]
    if backup:
        steps.append(_backup(asked, "everything can be had back as it was"))
    if asked.get("drill"):
        steps.append(PlannedStep("drill", "a backup that was never restored is a hope", {"backup": asked["backup"]}))
    verified = {"version": version, "channel": asked["channel"], "signatures": asked.get("signatures", "off")}
    if asked["channel"] == GATEWAY:
        verified["artifact"] = asked.get("artifact")
    steps += [
        pull(version, asked.get("artifact")),
        PlannedStep("verify", "what was fetched must be what the channel offers, and not in quarantine", verified),
        PlannedStep(
            "check_config",
            "the new engine judges the configuration before it is started",
            {"version": version, "beside": True},
        ),
    ]
    return steps


def _backup(asked: Options, cause: str) -> PlannedStep:
    return PlannedStep("backup", cause, {"backup": asked["backup"], "reason": asked["reason"]})


def _replace(asked: Options, choices: Options) -> list[PlannedStep]:
    new, old = choices["new"], choices["old"]
    steps = []
    if choices["in_the_way"]:
        steps.append(PlannedStep("make_room", f"slot {new}, of an earlier change, makes room", {"slot": new}))
    return [
        *steps,
        PlannedStep("measure", "what clients get now is what the new engine is compared with", {}),
        PlannedStep(
            "start_new",
            f"slot {new} runs beside {old}, which goes on serving",
            {"slot": new, "version": asked["version"], "fresh": True},
        ),
        PlannedStep("wait_healthy", "traffic goes only to an engine that answers, and stays so", {"slot": new}),
        *_switch(asked, choices),
    ]


def _switch(asked: Options, choices: Options) -> list[PlannedStep]:
    new, old = choices["new"], choices["old"]
    return [
        PlannedStep("try_config", "it must hold exactly what is desired before it gets traffic", {"slot": new}),
        PlannedStep("switch_traffic", f"new connections go to {new}", {"to": new, "back": old}),
        PlannedStep("drain_old", f"clients of {old} move over by themselves", {"slot": old}),
        PlannedStep("keep_warm", _why_warm(asked, old), {"old": old, "new": new}),
    ]


def _why_warm(asked: Options, old: str) -> str:
    limits = asked["limits"]
    stays = f"{old} runs on for {limits['warm_seconds']} s"
    if limits["drain_seconds"] is None:
        stays += " and until its last connection ends"
    return f"{stays}; traffic is watched for {limits['soak_seconds']} s" if limits["judge"] else stays


def _ports(asked: Options, choices: Options) -> tuple[list[int], list[int]]:
    have, want = set(choices["ports"]), set(asked["ports"])
    return sorted(have - want), sorted(want - have)


def _notes(asked: Options, desired: GatewaySnapshot, choices: Options) -> list[str]:
    notes = list(asked.get("notes", ()))
    if desired.generation != choices["generation"]:
        notes.append(
            f"generation {desired.generation} is desired, {choices['generation']} serves; the new slot gets it"
        )
    if choices["in_the_way"] and not choices["warm"]:
        notes.append(
            f"slot {SlotName(choices['new'])} still runs from an earlier change; it is stopped once its clients have "
            "gone, or have had their time"
        )
    limit = asked["limits"]["drain_seconds"]
    notes.append(
        "WebSockets and streams stay where they are until they end"
        if limit is None
        else f"WebSockets and streams that last longer than {limit} s after the switch are cut and counted"
    )
    return notes
