from __future__ import annotations

from django.apps import AppConfig


class UpdatesConfig(AppConfig):
    name = "updates"

    def ready(self) -> None:
        from deployments.drivers import logins
        from deployments.engine import catalog
        from updates.planner import PLANS, plan
        from updates.selectors import stored_login
        from updates.steps import STEPS

        logins.add_source(stored_login)
        catalog.add(planners=dict.fromkeys(PLANS, plan), steps=STEPS)
