"""The gateways as `deployments` shows them, with what this app can do to them."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from deployments.admin.gateways import Gateways
from deployments.admin.operations import queued
from gateways.models import Gateway
from updates.admin.asking import CONFIRMED, agreed, ask_first, propose
from updates.services import changes

admin.site.unregister(Gateway)


@admin.register(Gateway)
class ChangingGateways(Gateways):
    actions = (*Gateways.actions, "update", "roll_back")

    @admin.action(description="Update…", permissions=["operate"])
    def update(self, request: HttpRequest, queryset: QuerySet[Gateway]) -> HttpResponse | None:
        gateways = queryset.select_related("target")
        if CONFIRMED not in request.POST:
            lines = propose(gateways, lambda gateway: changes.propose_update(gateway, version=""))
            meaning = "Each goes to the newest Envoy that its policy allows, beside the one that serves."
            return ask_first(self, request, lines, action="update", title="Update gateways?", meaning=meaning)

        def ask(gateway: Gateway) -> str:
            planned = agreed(request, gateway)
            return queued(changes.request_update(gateway=gateway, planned=planned, by=str(request.user)))

        self.do_to_each(request, gateways, ask)
        return None

    @admin.action(description="Roll back…", permissions=["operate"])
    def roll_back(self, request: HttpRequest, queryset: QuerySet[Gateway]) -> HttpResponse | None:
        gateways = queryset.select_related("target")
        if CONFIRMED not in request.POST:
            lines = propose(gateways, changes.propose_rollback)
            meaning = "Each goes back to the engine before."
            return ask_first(self, request, lines, action="roll_back", title="Roll gateways back?", meaning=meaning)

        def ask(gateway: Gateway) -> str:
            planned = agreed(request, gateway)
            return queued(changes.request_rollback(gateway=gateway, planned=planned, by=str(request.user)))

        self.do_to_each(request, gateways, ask)
        return None
