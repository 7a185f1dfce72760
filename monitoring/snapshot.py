"""The whole state that events tell of, as rows have it now. `monitoring/fold.py` brings an older one up to date."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, Q

from deployments.models import ACTIVE, UNTOLD, Operation, OperationStep, Slot, SlotState
from gateways.models import Backend, Gateway, Route, Target

State = dict[str, dict[str, Any]]
"""`targets`, `gateways`, `routes`, `backends` by name, and `operations` by number."""

OPERATIONS_SHOWN = 20
"""The newest ones, and all that are not finished."""


def snapshot() -> State:
    """From the rows, in a constant number of queries."""
    gateways = Gateway.objects.select_related("target").prefetch_related("ports", "slots")
    routes = Route.objects.prefetch_related("gateways")
    return {
        "targets": {target.name: {"kind": target.kind, "node": target.node} for target in Target.objects.all()},
        "gateways": {gateway.place: _gateway(gateway) for gateway in gateways},
        "routes": {f"{route.kind}/{route.place}": _route(route) for route in routes},
        "backends": {f"{backend.kind}/{backend.place}": {} for backend in Backend.objects.all()},
        "operations": {str(operation.pk): _operation(operation) for operation in _operations()},
    }


def _gateway(gateway: Gateway) -> dict[str, Any]:
    return {
        "target": gateway.target.name,
        "generation": gateway.generation,
        "applied_generation": gateway.applied_generation,
        "engine_version": gateway.engine_version,
        "ports": sorted(port.number for port in gateway.ports.all()),
        "slots": {slot.name: _slot(slot) for slot in gateway.slots.all() if slot.state != SlotState.EMPTY},
    }


def _slot(slot: Slot) -> dict[str, Any]:
    return {"state": slot.state, "version": slot.version, "generation": slot.generation}


def _route(route: Route) -> dict[str, Any]:
    return {"gateways": sorted(gateway.place for gateway in route.gateways.all())}


def _operations() -> list[Operation]:
    newest = list(Operation.objects.order_by("-pk").values_list("pk", flat=True)[:OPERATIONS_SHOWN])
    steps = Prefetch("steps", queryset=OperationStep.objects.exclude(state__in=UNTOLD))
    shown = Q(state__in=ACTIVE) | Q(pk__in=newest)
    return list(Operation.objects.filter(shown).prefetch_related(steps))


def _operation(operation: Operation) -> dict[str, Any]:
    return {
        "kind": operation.kind,
        "subject": operation.subject,
        "gateway": operation.gateway_name,
        "state": operation.state,
        "error": operation.error,
        "cancelled_by": operation.cancelled_by,
        "steps": {str(step.index): {"name": step.name, "state": step.state} for step in operation.steps.all()},
    }
