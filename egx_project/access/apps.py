from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin import apps as admin


class AccessConfig(AppConfig):
    name = "egx_project.access"
    label = "access"


class AdminConfig(admin.AdminConfig):
    """Django's admin, with EGX's doors."""

    default = False  # of this package; it is named in the settings
    default_site = "egx_project.access.site.Site"
