"""Which steps, in which order, and why: pure functions of what is desired and what is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deployments.drivers.base import Observation, SlotName
from deployments.engine.plan import Plan, PlannedStep
from deployments.models import Operation, OperationKind
from egx_project.lib.errors import ConflictError
from gateways.spec.snapshot import GatewaySnapshot


@dataclass(frozen=True)
class Wish:
    """What was asked for, as far as plans depend on it."""

    name: str
    """The gateway, as people write it."""
    version: str = ""
    artifact: Mapping[str, Any] | None = None
    """Where the version is fetched from, if it is not here."""
    choices: Mapping[str, Any] | None = None
    """What an earlier attempt of the same operation decided."""


def plan(operation: Operation, desired: GatewaySnapshot | None, observed: Observation) -> Plan:
    """The plan of an operation row."""
    wish = Wish(
        name=operation.gateway_name,
        version=operation.options.get("version", ""),
        artifact=operation.options.get("artifact"),
        choices=operation.choices or None,
    )
    if operation.kind == OperationKind.REMOVE:
        return plan_remove(wish, observed)
    if desired is None:
        raise ConflictError(f"gateway {wish.name} is gone")
    if operation.kind == OperationKind.CONFIGURE:
        return plan_configure(wish, desired, observed)
    return plan_deploy(wish, desired, observed)


def plan_deploy(wish: Wish, desired: GatewaySnapshot, observed: Observation) -> Plan:
    """Bring the gateway to serve `desired` on engine `version`. What serves already is left as it is."""
    choices = dict(wish.choices or _choose(observed))
    new = choices["new"]
    title = f"deploy gateway {wish.name}: Envoy {wish.version} in slot {new}, ports {listed(desired.ports)}"
    steps = [
        pull(wish.version, wish.artifact),
        PlannedStep(
            "check_config",
            "a configuration that the engine refuses must not get further",
            {"version": wish.version},
        ),
        PlannedStep(
            "start_new",
            f"slot {new} is free" if choices["fresh"] else f"slot {new} runs already",
            {"slot": new, "version": wish.version, "fresh": choices["fresh"]},
        ),
        PlannedStep("wait_healthy", "traffic goes only to an engine that answers", {"slot": new}),
        PlannedStep("try_config", "it must hold exactly what is desired before it gets traffic", {"slot": new}),
        PlannedStep("open_edge", f"the edge owns ports {listed(desired.ports)}", {"fresh": choices["opens"]}),
        PlannedStep("switch_traffic", f"new connections go to {new}", {"to": new, "back": choices["back"]}),
    ]
    before = []
    if choices["opens"]:
        before.append(PlannedStep("preflight", "ports, disk and permissions are looked at before anything is changed"))
    if desired.containers:
        before.append(join(desired.containers))
    steps = [*before, *steps]
    return Plan(title=title, steps=tuple(steps), choices=choices)


def join(containers: Iterable[str]) -> PlannedStep:
    named = sorted(containers)
    return PlannedStep("join_containers", _of_containers(named, "joins", "join"), {"containers": named})


def leave(containers: Iterable[str]) -> PlannedStep:
    named = sorted(containers)
    return PlannedStep("leave_containers", _of_containers(named, "leaves", "leave"), {"containers": named})


def _of_containers(named: list[str], one: str, several: str) -> str:
    does = f"container {named[0]} {one}" if len(named) == 1 else f"containers {', '.join(named)} {several}"
    return f"{does} EGX's network, and is not changed otherwise" if len(named) == 1 else f"{does} EGX's network"


def pull(version: str, artifact: Mapping[str, Any] | None) -> PlannedStep:
    arguments = {"version": version, "artifact": artifact}
    return PlannedStep("pull", f"Envoy {version} must be here, with its checksum", arguments)


def _choose(observed: Observation) -> dict[str, Any]:
    serving = observed.edge.serving
    return {
        "new": str(serving or SlotName.BLUE),
        "back": str(serving) if serving else None,
        "fresh": serving is None or not observed.slots[serving].present,
        "opens": not observed.edge.present,
    }


def plan_configure(wish: Wish, desired: GatewaySnapshot, observed: Observation) -> Plan:
    """Give every running slot, and the edge, the desired configuration; the edge never has a port that no slot has."""
    live = observed.live
    held = [observed.slots[slot].generation for slot in live]
    title = f"configure gateway {wish.name}: generation {desired.generation}"
    left = sorted(set(observed.joined) - set(desired.containers))
    last = [leave(left)] if left else []
    if live and all(generation == desired.generation for generation in held) and observed.edge.ports == desired.ports:
        return Plan(title=title, steps=tuple(last), notes=("every slot has accepted it",))
    if not live:
        return Plan(title=title, notes=("no slot runs; the next deployment takes it",))
    before = min(held)
    steps = [PlannedStep("check_config", f"generation {desired.generation} is newer than {before}")]
    joined = sorted(set(desired.containers) - set(observed.joined))
    if joined:
        steps.append(join(joined))
    gone = sorted(set(observed.edge.ports) - set(desired.ports))
    come = sorted(set(desired.ports) - set(observed.edge.ports))
    if gone:
        kept = sorted(set(observed.edge.ports) - set(gone))
        steps.append(
            PlannedStep(
                "narrow_edge",
                f"ports {listed(gone)} are not wanted any more",
                {"ports": kept, "back": sorted(observed.edge.ports)},
            )
        )
    steps.append(PlannedStep("configure_slots", _why_so(observed), {"before": before}))
    if come:
        back = sorted(set(observed.edge.ports) - set(gone))
        steps.append(PlannedStep("widen_edge", f"ports {listed(come)} are new", {"back": back}))
    return Plan(title=title, steps=(*steps, *last))


def _why_so(observed: Observation) -> str:
    """How each running slot gets its configuration, and why all of them do."""
    cause = f"{' and '.join(observed.live)} must accept it: the warm one is never stale"
    anew = {observed.slots[name].revision: name for name in observed.live if observed.slots[name].revision}
    reasons = "; ".join(f"a new revision of {name} takes over, since {reason}" for reason, name in anew.items())
    return f"{cause}; {reasons}" if reasons else cause


def plan_remove(wish: Wish, observed: Observation) -> Plan:
    """Take the gateway away: its clients first, then its edge, its slots, its files and its rows."""
    choices = dict(
        wish.choices
        or {
            "slots": [str(slot) for slot in observed.live],
            "serving": observed.edge.serving,
            "edge": observed.edge.present,
            "joined": list(observed.joined),
        }
    )
    steps: list[PlannedStep] = []
    if choices["serving"]:
        steps.append(PlannedStep("drain_clients", "requests in flight are answered", {"slot": choices["serving"]}))
    if choices["edge"]:
        steps.append(PlannedStep("close_edge", "its ports are given back"))
    if choices["slots"]:
        steps.append(PlannedStep("stop_slots", f"{' and '.join(choices['slots'])} run", {"slots": choices["slots"]}))
    if choices.get("joined"):
        steps.append(leave(choices["joined"]))
    steps.append(PlannedStep("forget", "its files and rows go last, so that a failure before can be put right"))
    return Plan(title=f"remove gateway {wish.name}", steps=tuple(steps), choices=choices)


def listed(ports: tuple[int, ...] | list[int]) -> str:
    return ", ".join(str(port) for port in ports)
