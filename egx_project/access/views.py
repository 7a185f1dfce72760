"""Logging in."""

from __future__ import annotations

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from egx_project.access.services import use_link

BACKEND = "django.contrib.auth.backends.ModelBackend"


@require_GET
@never_cache
def by_link(request: HttpRequest, secret: str) -> HttpResponse:
    """The one-time link. The redirect keeps it out of the browser's history; a prefetch does not use it up."""
    if "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", "")):
        return HttpResponse(status=204)
    user = use_link(secret)
    if user is None:
        if request.user.is_authenticated:  # a link that somebody reloads
            return redirect("overview")
        return render(request, "access/dead_link.html", status=403)
    login(request, user, backend=BACKEND)
    return redirect("overview")
