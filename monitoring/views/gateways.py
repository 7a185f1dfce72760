"""One gateway: what it is, and its removal."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from deployments import services
from egx_project.access.permissions import page
from egx_project.access.roles import Action
from gateways.selectors import find_gateway
from monitoring import selectors
from monitoring.views.live import page_of


@require_safe
@never_cache
@page(Action.VIEW)
def gateway(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    found = find_gateway(name, namespace=namespace)
    return page_of(request, f"gateway/{found.pk}", title=f"Gateway {found.place}")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(Action.CHANGE)
def remove(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Asks first, and says what goes; then removes."""
    found = find_gateway(name, namespace=namespace)
    if request.method == "POST":
        operation = services.request_remove(gateway=found, by=str(request.user))
        return redirect("operation", operation.pk)
    leaving, staying = selectors.leaves_with(found)
    context = {
        "gateway": found,
        "name": found.place,
        "plan": services.plan_removal(found).text(),
        "leaving": leaving,
        "staying": staying,
    }
    return render(request, "monitoring/remove.html", context)
