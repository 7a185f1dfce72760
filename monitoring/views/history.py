"""What became of a gateway."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from egx_project.access.permissions import page
from egx_project.access.roles import Action, role_of
from gateways.selectors import find_gateway
from monitoring import fragments
from monitoring.views.live import page_number, page_of


@require_safe
@never_cache
@page(Action.VIEW)
def history(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    found, number = find_gateway(name, namespace=namespace), page_number(request)
    title = f"History of gateway {found.place}"
    if number == 1:
        return page_of(request, f"history/{found.pk}", title=title)
    role = role_of(request.user)
    parts = {"history": fragments.history_html(found, page=number, role=role)} if role else {}
    return render(request, "monitoring/live.html", {"title": title, "parts": parts})
