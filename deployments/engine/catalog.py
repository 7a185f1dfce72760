"""Which planner plans a kind of operation, and which steps there are: each app adds its own when Django starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from deployments.drivers.base import Observation
from deployments.engine.plan import Plan
from deployments.engine.step import Planner, Step
from deployments.models import Operation
from gateways.spec.snapshot import GatewaySnapshot

PLANNERS: dict[str, Planner] = {}
STEPS: dict[str, Step] = {}


def add(*, planners: Mapping[str, Planner], steps: Iterable[Step]) -> None:
    PLANNERS.update(planners)
    STEPS.update({step.name: step for step in steps})


def plan(operation: Operation, desired: GatewaySnapshot | None, observed: Observation) -> Plan:
    return PLANNERS[operation.kind](operation, desired, observed)
