"""Channels and releases: what there is, asking again, and putting a version away."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRedirect

from egx_project.access.permissions import page
from egx_project.access.roles import Action
from egx_project.lib.errors import EgxError
from monitoring.views.live import page_number, page_of
from updates import ledger
from updates.quarantine import lift as lift_quarantine
from updates.services import checks
from updates.services import releases as services


@require_safe
@never_cache
@page(Action.VIEW)
def releases(request: HttpRequest) -> HttpResponse:
    number = page_number(request)
    return page_of(request, "releases" if number == 1 else f"releases/{number}", title="Releases")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(Action.CHANGE)
def check(request: HttpRequest, channel: str) -> HttpResponse:
    if request.method == "POST":
        row = checks.check(channel)
        if row.problem:
            messages.warning(request, f"channel {channel} cannot say what there is: {row.problem}")
        else:
            messages.success(request, f"channel {channel} was asked")
        if request.headers.get("HX-Request"):
            return HttpResponseClientRedirect(resolve_url("releases"))
        return redirect("releases")
    return _ask(request, f"Ask channel {channel} now?", verb="Check now", meaning="It says which releases there are.")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(Action.CHANGE)
def quarantine(request: HttpRequest, channel: str, version: str) -> HttpResponse:
    title = f"Put {channel} {version} in quarantine?"
    meaning = "Nothing puts the version to use any more, until somebody lifts this. What runs it goes on."
    if request.method != "POST":
        return _ask(request, title, verb="Put in quarantine", meaning=meaning, wants_reason=True)
    reason = request.POST.get("reason", "").strip()
    try:
        services.quarantine(channel=channel, version=version, reason=reason, by=str(request.user))
    except EgxError as error:
        return _ask(request, title, verb="Put in quarantine", meaning=meaning, wants_reason=True, error=error)
    messages.success(request, f"{channel} {version} is in quarantine")
    return redirect("releases")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(Action.CHANGE)
def lift(request: HttpRequest, channel: str, version: str) -> HttpResponse:
    if request.method == "POST":
        lift_quarantine(channel=channel, version=version, by=str(request.user))
        messages.success(request, f"{channel} {version} may be used again")
        return redirect("releases")
    return _ask(
        request,
        f"Lift the quarantine of {channel} {version}?",
        verb="Lift it",
        meaning="The version may be used again, and policies may put it in by themselves.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(Action.CHANGE)
def accept(request: HttpRequest, channel: str, version: str) -> HttpResponse:
    """What is accepted is what was shown, whatever the tag has done meanwhile."""
    digest = request.GET.get("digest", "")
    title = f"Accept where the tag of {channel} {version} has moved to?"
    meaning = f"The version may then be {digest}, and policies may put it in by themselves."
    if request.method != "POST":
        return _ask(request, title, verb="Accept it", meaning=meaning)
    try:
        ledger.accept(channel=channel, version=version, digest=digest, by=str(request.user))
    except EgxError as error:
        return _ask(request, title, verb="Accept it", meaning=meaning, error=error)
    messages.success(request, f"{channel} {version} may be {digest}")
    return redirect("releases")


def _ask(
    request: HttpRequest,
    title: str,
    *,
    verb: str,
    meaning: str,
    wants_reason: bool = False,
    error: EgxError | None = None,
) -> HttpResponse:
    """Before it is done; for the quick buttons, of those who come without JavaScript."""
    context = {"title": title, "verb": verb, "meaning": meaning, "wants_reason": wants_reason, "error": error}
    return render(request, "monitoring/ask.html", context)
