"""Targets: made where there is a driver for them, and forgotten while nothing is on them."""

from __future__ import annotations

from deployments.drivers.registry import BUILDERS, DRIVERS
from deployments.models import ServiceState, SupportService
from egx_project.lib.errors import BadInputError, ConflictError
from gateways import services as gateway_services
from gateways.models import Target, TargetKind


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
