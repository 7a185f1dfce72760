"""The catalogue of backups. Adding one takes a packed backup in; the API's address gives it out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deployments.admin.operations import queued
from egx_project.access.roles import Action, may
from egx_project.access.rows import Rows
from egx_project.lib.errors import EgxError
from updates.admin.asking import CONFIRMED, agreed, ask_first, propose
from updates.models import Backup
from updates.services import backups, changes

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Backup]
else:
    ModelForm = forms.ModelForm

DOWNLOAD = "/api/v1/backups/{}/download"


class PackedBackup(ModelForm):
    packed = forms.FileField(help_text="a backup as it was downloaded; it is refused unless every byte is as it says")
    taken: Backup

    class Meta:
        model = Backup
        fields = ()

    def clean(self) -> dict[str, Any]:
        """Taking it in is what judges it: what is refused has left nothing."""
        cleaned = super().clean() or self.cleaned_data
        if "packed" in cleaned:
            try:
                self.taken = backups.upload(cleaned["packed"].file)
            except EgxError as error:
                raise ValidationError(str(error)) from None
        return cleaned


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
    form = PackedBackup
    actions = ("restore",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401, ARG002
        return may(request.user, Action.CHANGE)

    def get_fields(self, request: HttpRequest, obj: Backup | None = None) -> Any:  # noqa: ANN401
        return super().get_fields(request, obj) if obj else ("packed",)

    def save_model(self, request: HttpRequest, obj: Backup, form: Any, change: bool) -> None:  # noqa: ANN401, ARG002, FBT001
        obj.pk = form.taken.pk

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
