from __future__ import annotations

from django.apps import AppConfig


class RestConfig(AppConfig):
    name = "egx_project.rest"
    label = "rest"

    def ready(self) -> None:
        import egx_project.rest.schema  # noqa: F401  drf-spectacular's extensions are known by being defined
