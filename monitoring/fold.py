"""What an event makes of a snapshot.

A reader that has the snapshot of number N and folds every later event into it has the snapshot of today; a test holds
it for every service. Plain Python: a client may do the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deployments.models import ACTIVE, Direction, OperationState, SlotState
from egx_project.events.kinds import EventKind
from monitoring.snapshot import OPERATIONS_SHOWN, State


def fold(state: State, event: Mapping[str, Any]) -> None:
    """Make `state` what it is after the event, as the API gives it. Kinds of other things do nothing."""
    kind = event["kind"]
    if kind in _FOLDS:
        _, _, name = event["subject"].partition("/")
        _FOLDS[kind](state, name, event)
    _forget_old_operations(state)


def _target_added(state: State, name: str, event: Mapping[str, Any]) -> None:
    state["targets"][name] = {"kind": event["data"]["target_kind"], "node": event["data"]["node"]}


def _target_removed(state: State, name: str, _event: Mapping[str, Any]) -> None:
    state["targets"].pop(name, None)


def _gateway_created(state: State, name: str, event: Mapping[str, Any]) -> None:
    facts = ("target", "generation", "engine_version", "ports")
    made = {fact: event["data"][fact] for fact in facts}
    state["gateways"][name] = {**made, "applied_generation": 0, "slots": {}}


def _gateway_changed(state: State, name: str, event: Mapping[str, Any]) -> None:
    state["gateways"][name] |= {fact: event["data"][fact] for fact in ("generation", "engine_version", "ports")}


def _gateway_applied(state: State, name: str, event: Mapping[str, Any]) -> None:
    state["gateways"][name]["applied_generation"] = event["data"]["generation"]


def _gateway_removed(state: State, name: str, _event: Mapping[str, Any]) -> None:
    state["gateways"].pop(name, None)
    for route in state["routes"].values():
        route["gateways"] = [gateway for gateway in route["gateways"] if gateway != name]


def _slot_changed(state: State, name: str, event: Mapping[str, Any]) -> None:
    slots, data = state["gateways"][name]["slots"], event["data"]
    if data["state"] == SlotState.EMPTY:
        slots.pop(data["slot"], None)
    else:
        slots[data["slot"]] = {fact: data[fact] for fact in ("state", "version", "generation")}


def _route_written(state: State, name: str, event: Mapping[str, Any]) -> None:
    state["routes"][name] = {"gateways": event["data"]["gateways"]}


def _route_removed(state: State, name: str, _event: Mapping[str, Any]) -> None:
    state["routes"].pop(name, None)


def _backend_written(state: State, name: str, _event: Mapping[str, Any]) -> None:
    state["backends"][name] = {}


def _backend_removed(state: State, name: str, _event: Mapping[str, Any]) -> None:
    state["backends"].pop(name, None)


def _operation_queued(state: State, name: str, event: Mapping[str, Any]) -> None:
    data = event["data"]
    subject, error = event["subject"], data["error"]
    gateway = name if subject.startswith("gateway/") else ""
    fresh = {
        "kind": data["operation_kind"], "subject": subject, "gateway": gateway, "error": error, "steps": data["steps"],
    }  # fmt: skip
    known = state["operations"].setdefault(str(event["operation"]), fresh)
    known |= {"state": OperationState.QUEUED.value, "cancelled_by": ""}


def _operation_started(state: State, name: str, event: Mapping[str, Any]) -> None:  # noqa: ARG001
    forward = event["data"]["direction"] == Direction.FORWARD
    _of(state, event).update(state=(OperationState.RUNNING if forward else OperationState.UNDOING).value)


def _operation_turned_back(state: State, name: str, event: Mapping[str, Any]) -> None:  # noqa: ARG001
    _of(state, event).update(state=OperationState.UNDOING.value, error=event["data"]["error"])


def _operation_step(state: State, name: str, event: Mapping[str, Any]) -> None:  # noqa: ARG001
    data = event["data"]
    _of(state, event)["steps"][str(data["index"])] = {"name": data["name"], "state": data["state"]}


def _operation_cancelling(state: State, name: str, event: Mapping[str, Any]) -> None:  # noqa: ARG001
    _of(state, event).update(cancelled_by=event["data"]["by"])


def _operation_finished(state: State, name: str, event: Mapping[str, Any]) -> None:  # noqa: ARG001
    _of(state, event).update(state=event["data"]["state"], error=event["data"]["error"])


def _of(state: State, event: Mapping[str, Any]) -> dict[str, Any]:
    """The operation that the event is about; one that is shown no more is changed in vain."""
    operation: dict[str, Any] = state["operations"].get(str(event["operation"]), {"steps": {}})
    return operation


def _forget_old_operations(state: State) -> None:
    numbers = sorted(state["operations"], key=int, reverse=True)
    for number in numbers[OPERATIONS_SHOWN:]:
        if state["operations"][number]["state"] not in ACTIVE:
            del state["operations"][number]


_FOLDS: dict[str, Callable[[State, str, Mapping[str, Any]], None]] = {
    EventKind.TARGET_ADDED: _target_added,
    EventKind.TARGET_REMOVED: _target_removed,
    EventKind.GATEWAY_CREATED: _gateway_created,
    EventKind.GATEWAY_CHANGED: _gateway_changed,
    EventKind.GATEWAY_APPLIED: _gateway_applied,
    EventKind.GATEWAY_REMOVED: _gateway_removed,
    EventKind.SLOT_CHANGED: _slot_changed,
    EventKind.ROUTE_CREATED: _route_written,
    EventKind.ROUTE_CHANGED: _route_written,
    EventKind.ROUTE_REMOVED: _route_removed,
    EventKind.BACKEND_CREATED: _backend_written,
    EventKind.BACKEND_CHANGED: _backend_written,
    EventKind.BACKEND_REMOVED: _backend_removed,
    EventKind.OPERATION_QUEUED: _operation_queued,
    EventKind.OPERATION_STARTED: _operation_started,
    EventKind.OPERATION_TURNED_BACK: _operation_turned_back,
    EventKind.OPERATION_STEP: _operation_step,
    EventKind.OPERATION_CANCELLING: _operation_cancelling,
    EventKind.OPERATION_FINISHED: _operation_finished,
}
