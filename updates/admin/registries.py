"""Logins at container registries, for admins; their passwords are shown to nobody."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from egx_project.access.roles import Action
from egx_project.access.rows import Rows
from updates.models import RegistryLogin
from updates.services.logins import remove_login


@admin.register(RegistryLogin)
class RegistryLogins(Rows):
    seen_with = Action.ADMINISTER
    list_display = ("registry", "username", "by", "changed_at")
    search_fields = ("registry", "username")
    fields = list_display
    actions = ("forget",)

    @admin.action(description="Forget", permissions=["administer"])
    def forget(self, request: HttpRequest, queryset: QuerySet[RegistryLogin]) -> None:
        def forget_one(row: RegistryLogin) -> str:
            remove_login(registry=row.registry, by=str(request.user))
            return f"the login at {row.registry} is forgotten"

        self.do_to_each(request, queryset, forget_one)
