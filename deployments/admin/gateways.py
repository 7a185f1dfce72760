"""Here, and not with the rows' own app: a gateway is shown with its slots, and what is done to it is an operation."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from deployments.admin.operations import queued
from deployments.models import Slot
from deployments.selectors import state_of, with_deployments
from deployments.services import request_deploy, request_remove
from egx_project.access.rows import Lines, Rows, as_yaml
from gateways.admin import METADATA, TIMES, ListenerLines, PortLines
from gateways.models import Gateway

CONFIRMED = "confirmed"


class SlotLines(Lines):
    model = Slot
    fields = ("name", "state", "version", "generation", "updated_at")
    show_change_link = True


@admin.register(Gateway)
class Gateways(Rows):
    list_display = ("name", "namespace", "state", "target", "engine_version", "generation", "applied_generation")
    list_filter = ("target", "engine_version", "namespace", "updated_at")
    list_select_related = ("target",)
    search_fields = ("name", "namespace", "ports__number__exact")
    fields = (
        *METADATA,
        "state",
        "target",
        "engine_version",
        "generation",
        "applied_generation",
        "fence",
        as_yaml("spec"),
        *TIMES,
    )
    inlines = (SlotLines, ListenerLines, PortLines)
    actions: tuple[str, ...] = ("deploy", "remove")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Gateway]:
        return with_deployments(super().get_queryset(request))

    def state(self, gateway: Gateway) -> str:
        return state_of(gateway)

    @admin.action(description="Deploy again", permissions=["operate"])
    def deploy(self, request: HttpRequest, queryset: QuerySet[Gateway]) -> None:
        self.do_to_each(
            request,
            queryset.select_related("target"),
            lambda gateway: queued(request_deploy(gateway=gateway, by=str(request.user))),
        )

    @admin.action(description="Remove…", permissions=["operate"])
    def remove(self, request: HttpRequest, queryset: QuerySet[Gateway]) -> HttpResponse | None:
        gateways = queryset.select_related("target")
        if CONFIRMED in request.POST:
            self.do_to_each(
                request, gateways, lambda gateway: queued(request_remove(gateway=gateway, by=str(request.user)))
            )
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Remove gateways?",
            "opts": self.opts,
            "media": self.media,
            "gateways": gateways.prefetch_related("ports", "routes"),
            "row_name": ACTION_CHECKBOX_NAME,
            "confirmed": CONFIRMED,
        }
        return TemplateResponse(request, "deployments/remove_gateways.html", context)


@admin.register(Slot)
class Slots(Rows):
    list_display = ("name", "gateway", "state", "version", "generation", "updated_at")
    list_filter = ("state", "name", "version", "gateway__target")
    list_select_related = ("gateway",)
    search_fields = ("gateway__name", "digest")
    fields = ("gateway", "name", "state", "version", "digest", "generation", "fence", "updated_at")
