"""The admin's site: let in and out by EGX's own doors, shown to whoever may view."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from egx_project.access.roles import Action, may


class Site(AdminSite):
    site_header = site_title = "EGX"
    index_title = "Rows"

    def has_permission(self, request: HttpRequest) -> bool:
        return may(request.user, Action.VIEW)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG002
        """Where the site sends whom it does not let in."""
        wanted = request.GET.get(REDIRECT_FIELD_NAME, reverse("admin:index"))
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        if request.user.is_authenticated:
            raise PermissionDenied("this needs a role: viewer, operator or admin")
        return redirect_to_login(wanted, settings.LOGIN_URL)
