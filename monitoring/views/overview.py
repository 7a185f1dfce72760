"""What runs."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from egx_project.access.permissions import page
from egx_project.access.roles import Action
from monitoring.views.live import page_number, page_of


@require_safe
@never_cache
@page(Action.VIEW)
def overview(request: HttpRequest) -> HttpResponse:
    number = page_number(request)
    return page_of(request, "overview" if number == 1 else f"overview/{number}", title="Overview")
