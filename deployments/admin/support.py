from __future__ import annotations

from django.contrib import admin

from deployments.models import SupportService
from egx_project.access.rows import Rows


@admin.register(SupportService)
class SupportServices(Rows):
    list_display = ("name", "target", "wanted", "state", "problem", "by", "changed_at")
    list_filter = ("name", "state", "target")
    list_select_related = ("target",)
    search_fields = ("name", "target__name", "problem")
    fields = ("name", "target", "wanted", "state", "problem", "hint", "failures", "not_before", "by", "changed_at")
