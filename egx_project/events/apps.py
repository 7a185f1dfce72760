from __future__ import annotations

from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "egx_project.events"
    label = "events"

    def ready(self) -> None:
        # Django is the one thing that every process of EGX loads, so tasks find their application here.
        import egx_project.celery  # noqa: F401
        from egx_project.events.across import start_telling

        start_telling()
