from __future__ import annotations

from django.apps import AppConfig


class UpdatesConfig(AppConfig):
    name = "updates"

    def ready(self) -> None:
        from deployments.engine import catalog
        from updates.planner import PLANS, plan
        from updates.steps import STEPS

        catalog.add(planners=dict.fromkeys(PLANS, plan), steps=STEPS)
