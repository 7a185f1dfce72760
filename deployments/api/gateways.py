"""Gateways as they are: desired state, slots and what goes on."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import selectors, services
from deployments.api.answers import answer_once
from deployments.engine.plan import Plan
from deployments.models import Slot
from gateways import selectors as desired
from gateways.manifests import writer
from gateways.models import Gateway


class Gateways(APIView):
    def get(self, request: Request) -> Response:
        places = {
            field: request.query_params[field] for field in ("name", "namespace") if field in request.query_params
        }
        found = selectors.with_deployments(desired.gateways().filter(**places))
        return Response({"items": [gateway_json(gateway) for gateway in found]})


class OneGateway(APIView):
    def get(self, request: Request, name: str) -> Response:
        gateway = _find(request, name)
        return Response(gateway_json(selectors.with_deployments(desired.gateways()).get(pk=gateway.pk)))

    def delete(self, request: Request, name: str) -> Response:
        def make() -> tuple[int, dict[str, Any]]:
            operation = services.request_remove(gateway=_find(request, name), by=str(request.user))
            return 202, {"operations": [selectors.operation_json(operation)]}

        return answer_once(request, make)


class GatewayPlan(APIView):
    def get(self, request: Request, name: str) -> Response:
        gateway = _find(request, name)
        plan = services.plan_for(gateway, version=request.query_params.get("to", ""))
        return Response(plan_json(services.name_of(gateway), plan))


def _find(request: Request, name: str) -> Gateway:
    return desired.find_gateway(name, namespace=request.query_params.get("namespace"))


def gateway_json(gateway: Gateway) -> dict[str, Any]:
    """A gateway read by `with_deployments`."""
    unfinished = gateway.unfinished  # type: ignore[attr-defined]  # put there by the prefetch
    slots = list(gateway.slots.all())
    listeners = list(gateway.listeners.all())
    attached = len(gateway.routes.all())
    return {
        "name": gateway.name,
        "namespace": gateway.namespace,
        "target": gateway.target.name,
        "class": gateway.spec.get("gatewayClassName", ""),
        "state": selectors.gateway_state(gateway, unfinished=unfinished, slots=slots),
        "message": _message(gateway, slots),
        "generation": gateway.generation,
        "applied_generation": gateway.applied_generation,
        "engine_version": gateway.engine_version,
        "addresses": [f"http://localhost:{number}" for number in sorted({item.port.number for item in listeners})],
        "listeners": [
            {
                "name": listener.name,
                "port": listener.port.number,
                "protocol": listener.protocol,
                "hostname": listener.hostname,
                "attached_routes": attached,
            }
            for listener in listeners
        ],
        "slots": [_slot(slot) for slot in slots],
        "operation": unfinished[0].pk if unfinished else None,
        "manifest": writer.document(gateway.as_object()),
    }


def _message(gateway: Gateway, slots: list[Slot]) -> str:
    if gateway.applied_generation < gateway.generation and slots:
        return f"generation {gateway.generation} is desired, {gateway.applied_generation} serves"
    return ""


def _slot(slot: Slot) -> dict[str, Any]:
    return {
        "name": slot.name,
        "state": slot.state,
        "engine": "envoy",
        "version": slot.version,
        "digest": slot.digest,
        "generation": slot.generation,
    }


def plan_json(name: str, plan: Plan) -> dict[str, Any]:
    return {
        "gateway": name,
        "text": plan.text(),
        "steps": [{"name": step.name, "cause": step.cause} for step in plan.steps],
        "notes": list(plan.notes),
    }
