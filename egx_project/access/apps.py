from __future__ import annotations

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "egx_project.access"
    label = "access"
