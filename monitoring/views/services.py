"""Support services: what there is, and switching them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from deployments import support
from egx_project.access.permissions import page
from egx_project.access.roles import Action
from monitoring.views.live import page_of


@require_safe
@never_cache
@page(Action.VIEW)
def services(request: HttpRequest) -> HttpResponse:
    return page_of(request, "services", title="Services")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(Action.ADMINISTER)
def switch_on(request: HttpRequest, target: str, name: str) -> HttpResponse:
    return _switch(request, target, name, on=True)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(Action.ADMINISTER)
def switch_off(request: HttpRequest, target: str, name: str) -> HttpResponse:
    return _switch(request, target, name, on=False)


def _switch(request: HttpRequest, target: str, name: str, *, on: bool) -> HttpResponse:
    verb, past = ("Start", "started") if on else ("Stop", "stopped")
    if request.method == "POST":
        support.switch(target=target, name=name, on=on, by=str(request.user))
        messages.success(request, f"{name} of {target} is being {past}")
        return redirect("services")
    found = next(one for one in support.services(target=target, look=False) if one.name == support.service_name(name))
    context = {
        "title": f"{verb} {found.name} of {target}?",
        "verb": verb,
        "meaning": f"{found.meaning}.",
        "back": "services",
    }
    return render(request, "monitoring/ask.html", context)
