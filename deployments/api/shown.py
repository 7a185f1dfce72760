"""What the API shows of rows and plans."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, RootModel

from deployments import selectors
from deployments.applying import Outcome
from deployments.engine.plan import Plan
from deployments.models import Operation, OperationKind, OperationState, OperationStep, Slot, SlotState, StepState
from deployments.selectors import GatewayState
from egx_project.problems import ProblemItem, problem_json
from egx_project.rest.bodies import ApiModel
from egx_project.rest.listing import Listed
from gateways.models import Backend, Gateway, Listener, Route
from gateways.selectors import ports_of

OPERATIONS = "/api/v1/operations"


class StepOut(ApiModel):
    index: int
    name: str
    cause: str
    state: StepState
    error: str
    result: dict[str, Any]
    started_at: datetime | None
    finished_at: datetime | None


class OperationOut(ApiModel):
    id: int
    url: str
    kind: OperationKind
    subject: str
    """What it is about, as in events: `gateway/NAME`, `build/IMAGE`."""
    gateway: str
    """Empty for what is about no gateway."""
    state: OperationState
    attempt: int
    error: str
    hint: str
    requested_by: str
    cancelled_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    plan: str
    result: dict[str, Any]
    steps: list[StepOut]


class OperationsOut(Listed[OperationOut]):
    pass


class AttachedListener(ApiModel):
    name: str
    port: int
    protocol: str
    hostname: str
    attached_routes: int


class SlotOut(ApiModel):
    name: str
    """`blue` or `green`."""
    state: SlotState
    engine: str
    version: str
    digest: str
    generation: int


class GatewayOut(ApiModel):
    name: str
    namespace: str
    target: str
    class_: str = Field(serialization_alias="class")
    state: GatewayState
    message: str
    generation: int
    applied_generation: int
    engine_version: str
    addresses: list[str]
    listeners: list[AttachedListener]
    slots: list[SlotOut]
    operation: int | None
    """The oldest that is not finished."""
    manifest: dict[str, Any]


class GatewaysOut(Listed[GatewayOut]):
    pass


class RouteOut(ApiModel):
    kind: str
    namespace: str
    name: str
    hostnames: list[str]
    gateways: list[str]
    manifest: dict[str, Any]


class RoutesOut(Listed[RouteOut]):
    pass


class BackendOut(ApiModel):
    kind: str
    namespace: str
    name: str
    routes: list[str]
    manifest: dict[str, Any]


class BackendsOut(Listed[BackendOut]):
    pass


class PlannedStepOut(ApiModel):
    name: str
    cause: str


class PlanOut(ApiModel):
    gateway: str
    text: str
    steps: list[PlannedStepOut]
    notes: list[str]


class ChangeOut(ApiModel):
    action: Literal["create", "update", "unchanged", "delete"]
    kind: str
    namespace: str
    name: str


class ChangedOut(ApiModel):
    """202 where there is work to be done, 200 where there is none."""

    changes: list[ChangeOut]
    warnings: list[ProblemItem]
    operations: list[OperationOut]


class PlannedOut(ApiModel):
    """Of a dry run."""

    changes: list[ChangeOut]
    warnings: list[ProblemItem]
    plans: list[PlanOut]


class AppliedOut(RootModel[PlannedOut | ChangedOut]):
    """Of a dry run, or where there is nothing to be done."""


def operation_out(operation: Operation) -> OperationOut:
    return OperationOut.model_construct(
        id=operation.pk,
        url=f"{OPERATIONS}/{operation.pk}",
        kind=OperationKind(operation.kind),
        subject=operation.subject,
        gateway=operation.gateway_name,
        state=OperationState(operation.state),
        attempt=operation.attempt,
        error=operation.error,
        hint=operation.hint,
        requested_by=operation.requested_by,
        cancelled_by=operation.cancelled_by,
        created_at=operation.created_at,
        started_at=operation.started_at,
        finished_at=operation.finished_at,
        plan=operation.plan,
        result=operation.result,
        steps=[_step(step) for step in operation.steps.all()],
    )


def _step(step: OperationStep) -> StepOut:
    return StepOut.model_construct(
        index=step.index,
        name=step.name,
        cause=step.cause,
        state=StepState(step.state),
        error=step.error,
        result=step.result,
        started_at=step.started_at,
        finished_at=step.finished_at,
    )


def gateway_out(gateway: Gateway) -> GatewayOut:
    """A gateway read by `with_deployments`."""
    unfinished = selectors.unfinished_of(gateway)
    listeners = list(gateway.listeners.all())
    slots = list(gateway.slots.all())
    attached = len(gateway.routes.all())
    return GatewayOut.model_construct(
        name=gateway.name,
        namespace=gateway.namespace,
        target=gateway.target.name,
        class_=gateway.spec.get("gatewayClassName", ""),
        state=selectors.state_of(gateway),
        message=_message(gateway, slots),
        generation=gateway.generation,
        applied_generation=gateway.applied_generation,
        engine_version=gateway.engine_version,
        addresses=[f"http://localhost:{number}" for number in ports_of(gateway)],
        listeners=[_listener(listener, attached) for listener in listeners],
        slots=[_slot(slot) for slot in slots],
        operation=unfinished[0].pk if unfinished else None,
        manifest=gateway.manifest(),
    )


def _message(gateway: Gateway, slots: list[Slot]) -> str:
    if gateway.applied_generation < gateway.generation and slots:
        return f"generation {gateway.generation} is desired, {gateway.applied_generation} serves"
    return ""


def _listener(listener: Listener, attached: int) -> AttachedListener:
    return AttachedListener.model_construct(
        name=listener.name,
        port=listener.port.number,
        protocol=listener.protocol,
        hostname=listener.hostname,
        attached_routes=attached,
    )


def _slot(slot: Slot) -> SlotOut:
    return SlotOut.model_construct(
        name=slot.name,
        state=SlotState(slot.state),
        engine="envoy",
        version=slot.version,
        digest=slot.digest,
        generation=slot.generation,
    )


def route_out(route: Route) -> RouteOut:
    return RouteOut.model_construct(
        kind=route.kind,
        namespace=route.namespace,
        name=route.name,
        hostnames=list(route.spec.get("hostnames", [])),
        gateways=sorted(gateway.place for gateway in route.gateways.all()),
        manifest=route.manifest(),
    )


def backend_out(backend: Backend) -> BackendOut:
    return BackendOut.model_construct(
        kind=backend.kind,
        namespace=backend.namespace,
        name=backend.name,
        routes=sorted(str(route) for route in backend.routes.all()),
        manifest=backend.manifest(),
    )


def plan_out(name: str, plan: Plan) -> PlanOut:
    return PlanOut(
        gateway=name,
        text=plan.text(),
        steps=[PlannedStepOut(name=step.name, cause=step.cause) for step in plan.steps],
        notes=list(plan.notes),
    )


def changed(outcome: Outcome) -> tuple[int, dict[str, Any]]:
    """The answer to a request for change."""
    operations = [operation_out(operation) for operation in outcome.operations]
    body = ChangedOut.model_construct(changes=_changes(outcome), warnings=_warnings(outcome), operations=operations)
    return (202 if operations else 200), body.as_json()


def planned(outcome: Outcome) -> tuple[int, dict[str, Any]]:
    plans = [plan_out(name, plan) for name, plan in outcome.plans.items()]
    body = PlannedOut(changes=_changes(outcome), warnings=_warnings(outcome), plans=plans)
    return 200, body.as_json()


def _changes(outcome: Outcome) -> list[ChangeOut]:
    return [
        ChangeOut(action=change.action, kind=change.ref.kind, namespace=change.ref.namespace, name=change.ref.name)
        for change in outcome.changes
    ]


def _warnings(outcome: Outcome) -> list[ProblemItem]:
    return [ProblemItem(**problem_json(problem)) for problem in outcome.warnings]
