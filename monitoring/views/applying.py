"""Applying YAML: its plan first, then exactly that."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from deployments import applying
from deployments.applying import Outcome, PlanChangedError
from egx_project.access.permissions import page
from egx_project.access.roles import Action
from egx_project.lib.errors import EgxError
from gateways.manifests.reader import Source, read
from gateways.models import Target
from gateways.selectors import find_gateway, find_target
from monitoring import selectors

SOURCE = "manifest"
"""What problems call the text."""


@dataclass(frozen=True)
class Form:
    """What is in the fields, and what is said about it."""

    text: str = ""
    target: str = ""
    outcome: Outcome | None = None
    error: EgxError | None = None
    moved: bool = False
    """The plan that was agreed to is not what would be done now."""

    @property
    def changes_nothing(self) -> bool:
        done = self.outcome is not None and {change.action for change in self.outcome.changes} <= {"unchanged"}
        return done and not (self.outcome and self.outcome.plans)

    @property
    def lines(self) -> int:
        """How high the text's field is."""
        return min(max(self.text.count("\n") + 2, 14), 40)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(Action.CHANGE)
def apply(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _shown(request, _asked_for(request))
    form = Form(text=request.POST.get("text", "").replace("\r\n", "\n"), target=request.POST.get("target", ""))
    agreed = request.POST.get("do") == "apply"
    try:
        outcome = applying.apply_manifest(
            read([Source(name=SOURCE, text=form.text)]),
            target=find_target(form.target),
            by=str(request.user),
            dry_run=not agreed,
            planned=request.POST.get("planned", "") if agreed else None,
        )
    except PlanChangedError as error:
        return _shown(request, replace(form, outcome=error.outcome, moved=True))
    except EgxError as error:
        return _shown(request, replace(form, error=error))
    return _go_on(request, outcome) if agreed else _shown(request, replace(form, outcome=outcome))


def _shown(request: HttpRequest, form: Form) -> HttpResponse:
    return render(request, "monitoring/apply.html", {"form": form, "targets": Target.objects.all()})


def _asked_for(request: HttpRequest) -> Form:
    """An empty form, or one with all that is written of a gateway."""
    namespace, _, name = request.GET.get("gateway", "").rpartition("/")
    if not name:
        return Form(target=settings.EGX_LOCAL_TARGET)
    gateway = find_gateway(name, namespace=namespace or None)
    return Form(text=selectors.manifest_of(gateway), target=gateway.target.name)


def _go_on(request: HttpRequest, outcome: Outcome) -> HttpResponse:
    """To the operation that follows; to the overview where none does, or several do."""
    if len(outcome.operations) == 1:
        return redirect("operation", outcome.operations[0].pk)
    said = (
        f"{len(outcome.operations)} operations were asked for" if outcome.operations else "applied; no gateway changes"
    )
    messages.success(request, said)
    return redirect("overview")
