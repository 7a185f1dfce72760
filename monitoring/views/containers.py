"""Containers of this machine: what there is, and a path to one by a click."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRedirect

from deployments.applying import Outcome
from deployments.exposing import changes
from deployments.exposing.offers import docker_target, offers
from deployments.exposing.written import Wish
from egx_project.access.permissions import page
from egx_project.access.roles import Action
from egx_project.lib.errors import BadInputError, EgxError
from gateways.models import Gateway, TargetKind
from gateways.spec.containers import short
from monitoring.views.live import page_of

NEW_GATEWAY, NEW_PORT = "web", 8080


@require_safe
@never_cache
@page(Action.VIEW)
def containers(request: HttpRequest) -> HttpResponse:
    return page_of(request, "containers", title="Containers")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(Action.CHANGE)
def expose(request: HttpRequest, name: str) -> HttpResponse:
    """A form with everything filled in; the list posts the same at once."""
    error = None
    if request.method == "POST":
        try:
            return _go_on(request, changes.expose(_wish(request, name), by=str(request.user)))
        except EgxError as refused:
            error = refused
    # A click in the list shows what a 4xx has to say; a form that is sent by itself is shown again.
    status = error.status if error and request.headers.get("HX-Request") else HTTPStatus.OK
    return render(request, "monitoring/expose.html", _form(request, name, error), status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(Action.CHANGE)
def unexpose(request: HttpRequest, name: str) -> HttpResponse:
    """The plan first, of one path or of all."""
    path = request.POST.get("path") or request.GET.get("path") or ""

    def ask(*, dry_run: bool) -> Outcome:
        return changes.unexpose(name, path=path, by=str(request.user), dry_run=dry_run)

    return _planned(request, name, path, ask)


def _planned(request: HttpRequest, name: str, path: str, ask: Callable[..., Outcome]) -> HttpResponse:
    outcome, error = None, None
    try:
        if request.method == "POST":
            return _go_on(request, ask(dry_run=False))
        outcome = ask(dry_run=True)
    except EgxError as refused:
        error = refused
    context = {"name": name, "path": path, "outcome": outcome, "error": error}
    return render(request, "monitoring/unexpose.html", context)


def _wish(request: HttpRequest, name: str) -> Wish:
    given = request.POST
    return Wish(
        container=name,
        path=given.get("path", "").strip(),
        host=given.get("host", "").strip(),
        port=_number(given.get("port", ""), "port"),
        gateway=given.get("gateway", "").strip(),
        listen=_number(given.get("listen", ""), "listen"),
        keep_path=bool(given.get("keep_path")),
    )


def _number(text: str, what: str) -> int:
    text = text.strip()
    if text and not (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536):  # noqa: PLR2004
        raise BadInputError(f"{what} is a port from 1 to 65535, not {text[:50]!r}")
    return int(text or 0)


def _form(request: HttpRequest, name: str, error: EgxError | None) -> dict[str, object]:
    """What is in the fields: what was typed, or what is most probably meant."""
    candidate = None
    try:
        found = offers(docker_target())
        candidate = next((one.candidate for one in found if one.candidate.is_called(name)), None)
    except EgxError as silent:
        error = error or silent
    gateways = Gateway.objects.filter(target__kind=TargetKind.DOCKER).select_related("target")
    defaults = {
        "path": f"/{short(name.rpartition('/')[2], 40)}",
        "host": "",
        "port": str(candidate.ports[0].number) if candidate and candidate.ports else "",
        "gateway": NEW_GATEWAY,
        "listen": str(NEW_PORT),
        "keep_path": "",
    }
    given = request.POST or request.GET
    fields = {field: given.get(field, default) for field, default in defaults.items()}
    return {
        "name": name,
        "candidate": candidate,
        "error": error,
        "fields": fields,
        "gateways": [gateway.place for gateway in gateways],
        "target": settings.EGX_DOCKER_TARGET,
    }


def _go_on(request: HttpRequest, outcome: Outcome) -> HttpResponse:
    if len(outcome.operations) == 1:
        where = resolve_url("operation", outcome.operations[0].pk)
    else:
        messages.success(request, "operations were asked for" if outcome.operations else "it is so already")
        where = resolve_url("containers")
    return HttpResponseClientRedirect(where) if request.headers.get("HX-Request") else redirect(where)
