from __future__ import annotations

from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    name = "deployments"

    def ready(self) -> None:
        from deployments import build_planner
        from deployments.engine import catalog
        from deployments.models import OperationKind
        from deployments.planner import plan
        from deployments.steps import STEPS

        kinds = (OperationKind.DEPLOY, OperationKind.CONFIGURE, OperationKind.REMOVE)
        catalog.add(planners=dict.fromkeys(kinds, plan), steps=STEPS)
        catalog.add(planners={OperationKind.BUILD: build_planner.plan}, steps=())
