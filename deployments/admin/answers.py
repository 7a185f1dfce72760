from __future__ import annotations

from django.contrib import admin

from deployments.models import Answer
from egx_project.access.rows import Rows


@admin.register(Answer)
class Answers(Rows):
    """Without the bodies: those were for who asked."""

    list_display = ("key", "status", "at")
    list_filter = ("status", "at")
    search_fields = ("key",)
    fields = ("key", "request_sha256", "status", "at")
