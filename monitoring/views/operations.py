"""Operations: the list, one with its journal, and steering it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from deployments import services
from deployments.models import Operation, OperationState
from egx_project.access.permissions import page
from egx_project.access.roles import Action
from egx_project.lib.errors import ConflictError
from monitoring import selectors
from monitoring.views.live import page_number, page_of


@require_safe
@never_cache
@page(Action.VIEW)
def operations(request: HttpRequest) -> HttpResponse:
    asked = {name: request.GET.get(name, "") for name in ("gateway", "state")}
    asked["state"] = asked["state"] if asked["state"] in OperationState.values else ""
    found = selectors.operation_page(page_number(request), **asked)
    filters = urlencode({name: value for name, value in asked.items() if value})
    context = {
        "page": found,
        "asked": asked,
        "states": OperationState.values,
        "query": f"{filters}&" if filters else "",
    }
    return render(request, "monitoring/operations.html", context)


@require_safe
@never_cache
@page(Action.VIEW)
def operation(request: HttpRequest, pk: int) -> HttpResponse:
    found = services.find_operation(pk)
    return page_of(request, f"operation/{pk}", title=f"Operation {pk}: {found.kind} {found.name}")


Steer = Callable[..., Operation]


def _steered(request: HttpRequest, pk: int, steer: Steer, *, verb: str, meaning: str) -> HttpResponse:
    """Asks whoever came without JavaScript; does it when told to, and shows what became of the operation."""
    found = services.find_operation(pk)
    if request.method != "POST":
        context = {"operation": found, "verb": verb, "meaning": meaning}
        return render(request, "monitoring/steer.html", context)
    try:
        steer(operation_id=pk, by=str(request.user))
    except ConflictError as error:  # it has gone on in the meantime: the page shows where to
        messages.warning(request, str(error))
    return redirect("operation", pk)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(Action.CHANGE)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    meaning = "It turns back at its next step, and what it has done is undone."
    return _steered(request, pk, services.cancel, verb="Cancel", meaning=meaning)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(Action.CHANGE)
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    meaning = "It is taken up again in the direction in which it was going, with fresh attempts."
    return _steered(request, pk, services.resume, verb="Resume", meaning=meaning)
