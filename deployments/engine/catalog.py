"""Which planner plans a kind of operation, and which steps there are: each app adds its own when Django starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from deployments.engine.plan import Plan
from deployments.engine.step import Planner, Step
from deployments.models import Operation
from gateways.spec.snapshot import GatewaySnapshot

PLANNERS: dict[str, Planner[Any]] = {}
"""Each gets what the means of its kind of operation observe."""
STEPS: dict[str, Step] = {}


def add(*, planners: Mapping[str, Planner[Any]], steps: Iterable[Step]) -> None:
    PLANNERS.update(planners)
    STEPS.update({step.name: step for step in steps})


def plan(operation: Operation, desired: GatewaySnapshot | None, observed: Any) -> Plan:  # noqa: ANN401
    return PLANNERS[operation.kind](operation, desired, observed)
