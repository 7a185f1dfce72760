from __future__ import annotations

from deployments.models.build import Build
from deployments.models.operation import (
    ACTIVE,
    BUILDS,
    CONFIGURATION,
    LIFECYCLE,
    REPLACING,
    UNTOLD,
    Direction,
    Operation,
    OperationKind,
    OperationState,
    OperationStep,
    StepState,
)
from deployments.models.slot import Slot, SlotState
from deployments.models.support import ServiceState, SupportService

__all__ = [
    "ACTIVE", "BUILDS", "CONFIGURATION", "LIFECYCLE", "REPLACING", "UNTOLD", "Build", "Direction", "Operation",
    "OperationKind", "OperationState", "OperationStep", "ServiceState", "Slot", "SlotState", "StepState",
    "SupportService",
]  # fmt: skip
