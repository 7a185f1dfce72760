"""The catalogue of backups. The files are fetched by the API's address, and brought in by `egx`."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deployments.admin.operations import queued
from egx_project.access.rows import Rows
from updates.admin.asking import CONFIRMED, agreed, ask_first, propose
from updates.models import Backup
from updates.services import changes

DOWNLOAD = "/api/v1/backups/{}/download"


@admin.register(Backup)
class Backups(Rows):
    list_display = ("key", "gateway_name", "reason", "engine_version", "size", "state", "pinned", "created_at")
    list_filter = ("kind", "state", "pinned", "created_at")
    search_fields = ("key", "gateway_name", "reason")
    fields = (
        "key",
        "kind",
        "gateway",
        "gateway_name",
        "reason",
        "engine_version",
        "size",
        ("state", "problem"),
        "pinned",
        "drilled_at",
        "created_at",
        "files",
    )
    actions = ("restore",)

    def files(self, backup: Backup) -> SafeString:
        return format_html('<a href="{}">download</a>', DOWNLOAD.format(backup.key))

    @admin.action(description="Restore…", permissions=["operate"])
    def restore(self, request: HttpRequest, queryset: QuerySet[Backup]) -> HttpResponse | None:
        if CONFIRMED not in request.POST:
            return ask_first(
                self,
                request,
                propose(queryset, lambda backup: changes.propose_restore(backup.key)),
                action="restore",
                title="Restore from backups?",
                meaning="What was desired then is desired again. A gateway that is gone is made anew.",
            )

        def ask(backup: Backup) -> str:
            planned = agreed(request, backup)
            return queued(changes.request_restore(key=backup.key, planned=planned, by=str(request.user)))

        self.do_to_each(request, queryset, ask)
        return None
