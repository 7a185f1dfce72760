"""Operations and their journals."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deployments import services
from deployments.models import Operation, OperationStep
from egx_project.access.rows import Lines, Rows, as_yaml


class StepLines(Lines):
    """The journal."""

    model = OperationStep
    verbose_name_plural = "journal"
    fields = ("index", "name", "cause", "state", "attempt", "started_at", "seconds", "error", as_yaml("result"))

    def seconds(self, step: OperationStep) -> str:
        if step.started_at is None or step.finished_at is None:
            return "-"
        return f"{(step.finished_at - step.started_at).total_seconds():.2f}"


@admin.register(Operation)
class Operations(Rows):
    list_display = ("number", "kind", "name", "target", "state", "requested_by", "created_at", "finished_at")
    list_filter: ClassVar[tuple[str, ...]] = ("kind", "state", "target", "created_at")
    list_select_related = ("target",)
    date_hierarchy = "created_at"
    search_fields = ("subject", "requested_by", "id__exact")
    search_help_text = "a part of the gateway's or image's name or of who asked, or the operation's number"
    fields: ClassVar[tuple[Any, ...]] = (
        ("kind", "state", "direction"),
        "subject",
        "gateway",
        "target",
        "page",
        "error",
        "hint",
        "plan",
        as_yaml("options"),
        as_yaml("choices"),
        as_yaml("result"),
        "requested_by",
        "cancelled_by",
        ("created_at", "started_at", "finished_at"),
        ("attempt", "fence", "heartbeat_at"),
        "owner",
    )
    inlines = (StepLines,)
    actions = ("cancel", "resume")

    @admin.display(ordering="pk")
    def number(self, operation: Operation) -> int:
        return operation.pk

    @admin.display(ordering="subject")
    def name(self, operation: Operation) -> str:
        return operation.name

    @admin.display(description="live")
    def page(self, operation: Operation) -> SafeString | str:
        """The dashboard's page, which moves by itself."""
        try:
            address = reverse("operation", args=[operation.pk])
        except NoReverseMatch:
            return "-"
        return format_html('<a href="{}">operation {}</a>', address, operation.pk)

    @admin.action(description="Cancel", permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Operation]) -> None:
        ask = partial(services.cancel, by=str(request.user))
        self.do_to_each(request, queryset, lambda row: said(ask(operation_id=row.pk), "turns back at its next step"))

    @admin.action(description="Resume", permissions=["operate"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Operation]) -> None:
        ask = partial(services.resume, by=str(request.user))
        self.do_to_each(request, queryset, lambda row: queued(ask(operation_id=row.pk)))


def queued(operation: Operation) -> SafeString:
    return said(operation, "is queued")


def said(operation: Operation, what: str) -> SafeString:
    address = reverse("admin:deployments_operation_change", args=[operation.pk])
    subject = f"{operation.kind} of {operation.about}"
    return format_html('<a href="{}">operation {}</a> ({}) {}', address, operation.pk, subject, what)
