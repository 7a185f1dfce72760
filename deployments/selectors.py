"""Reading operations and slots."""

from __future__ import annotations

from django.db.models import Case, CharField, Exists, F, OuterRef, Prefetch, Q, QuerySet, TextChoices, Value, When

from deployments.models import (
    ACTIVE,
    BUILDS,
    CONFIGURATION,
    LIFECYCLE,
    REPLACING,
    Build,
    Operation,
    OperationState,
    Slot,
    SlotState,
)
from deployments.models.operation import OperationKind
from gateways.models import Gateway, Target


class GatewayState(TextChoices):
    PENDING = "pending"
    DEPLOYING = "deploying"
    SERVING = "serving"
    DEGRADED = "degraded"
    """It serves an older generation than the desired one, and nothing is on its way."""
    UPDATING = "updating"
    """It serves, and what serves is being replaced."""
    REMOVING = "removing"


def operations() -> QuerySet[Operation]:
    return Operation.objects.prefetch_related("steps")


def active_lifecycle(gateway: Gateway) -> Operation | None:
    return Operation.objects.filter(gateway=gateway, kind__in=LIFECYCLE, state__in=ACTIVE).first()


def active_of(subject: str) -> Operation | None:
    """The operation that another one of the same subject must wait for."""
    return Operation.objects.filter(subject=subject, kind__in=(*LIFECYCLE, *BUILDS), state__in=ACTIVE).first()


def builds() -> QuerySet[Build]:
    return Build.objects.select_related("target").prefetch_related("steps")


def waiting_configuration(gateway: Gateway) -> Operation | None:
    """The configuration that no worker has begun: it will take whatever is newest then."""
    return Operation.objects.filter(gateway=gateway, kind__in=CONFIGURATION, state=OperationState.QUEUED).first()


def with_deployments(gateways: QuerySet[Gateway]) -> QuerySet[Gateway]:
    """The gateways with their state, slots and unfinished operations, in a constant number of queries.

    `state_of` and `unfinished_of` read what is put there; a filter may ask for `state` as for a field.
    """
    unfinished = Operation.objects.filter(state__in=ACTIVE).order_by("pk")
    return gateways.annotate(state=_state(unfinished.filter(gateway=OuterRef("pk")))).prefetch_related(
        "slots", Prefetch("operations", queryset=unfinished, to_attr="unfinished")
    )


def _state(unfinished: QuerySet[Operation]) -> Case:
    serving = Slot.objects.filter(gateway=OuterRef("pk"), state=SlotState.SERVING)
    behind = Q(applied_generation__lt=F("generation"))
    return Case(
        When(Exists(unfinished.filter(kind=OperationKind.REMOVE)), then=Value(GatewayState.REMOVING)),
        When(Exists(unfinished.filter(kind=OperationKind.DEPLOY)), then=Value(GatewayState.DEPLOYING)),
        When(Exists(unfinished.filter(kind__in=REPLACING)), then=Value(GatewayState.UPDATING)),
        When(~Exists(serving), then=Value(GatewayState.PENDING)),
        When(behind & ~Exists(unfinished), then=Value(GatewayState.DEGRADED)),
        default=Value(GatewayState.SERVING),
        output_field=CharField(),
    )


def supervised_nodes() -> list[str]:
    """The nodes that targets name."""
    return list(Target.objects.exclude(node="").order_by("node").values_list("node", flat=True).distinct())


def state_of(gateway: Gateway) -> GatewayState:
    """Of a gateway that was read by `with_deployments`."""
    return GatewayState(gateway.state)  # type: ignore[attr-defined]


def unfinished_of(gateway: Gateway) -> list[Operation]:
    """Of a gateway that was read by `with_deployments`; oldest first."""
    found: list[Operation] = gateway.unfinished  # type: ignore[attr-defined]
    return found
