"""Updates, rollbacks and restores: the plan first, then exactly that.

Whoever may view reads the plan; agreeing to it needs more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from deployments.applying import Outcome, PlanChangedError
from deployments.models import Operation
from egx_project.access.permissions import page
from egx_project.access.roles import Action
from egx_project.lib.errors import EgxError
from gateways.selectors import find_gateway
from monitoring import engines
from updates import backups
from updates.services import changes, checks


@dataclass(frozen=True)
class Change:
    title: str
    verb: str
    propose: Callable[[], Outcome] | None
    """What would be done; None where it is not known yet what is wanted."""
    ask: Callable[..., Operation]
    """For what `planned`, the fingerprint of what was agreed to, stands for."""


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(Action.VIEW, posting=Action.CHANGE)
def update(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """To a version; to the newest that the policy allows, where none is asked for."""
    gateway = find_gateway(name, namespace=namespace)
    info = checks.update_info(gateway)
    asked = request.POST.get("to") or request.GET.get("to") or ""
    version = asked or (info.latest.version if info.latest and info.upgrade_available else "")
    change = Change(
        title=f"Update gateway {gateway.place}",
        verb="Update",
        propose=partial(changes.propose_update, gateway, version=version) if version else None,
        ask=partial(
            changes.request_update, gateway=gateway, version=version, downgrade=True, by=str(request.user)
        ),  # the plan has said that it is older
    )
    found = engines.choices(gateway)
    unknown = bool(version) and version not in {choice.version for choice in found}
    return _answer(request, change, gateway=gateway, info=info, choices=found, wanted=version, unknown=unknown)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(Action.VIEW, posting=Action.CHANGE)
def roll_back(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    gateway = find_gateway(name, namespace=namespace)
    change = Change(
        title=f"Roll gateway {gateway.place} back",
        verb="Roll back",
        propose=partial(changes.propose_rollback, gateway),
        ask=partial(changes.request_rollback, gateway=gateway, by=str(request.user)),
    )
    return _answer(request, change, gateway=gateway)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(Action.VIEW, posting=Action.CHANGE)
def restore(request: HttpRequest, key: str) -> HttpResponse:
    """Of a gateway that is there, or was."""
    backup = backups.find(key)
    change = Change(
        title=f"Restore gateway {backup.gateway_name} from a backup",
        verb="Restore",
        propose=partial(changes.propose_restore, key),
        ask=partial(changes.request_restore, key=key, by=str(request.user)),
    )
    return _answer(request, change, gateway=backup.gateway, backup=backup)


def _answer(request: HttpRequest, change: Change, **shown: object) -> HttpResponse:
    """The plan; once that is agreed to, the operation's page."""
    outcome, error, moved = None, None, False
    try:
        if request.method == "POST":
            return redirect("operation", change.ask(planned=request.POST.get("planned", "")).pk)
        outcome = change.propose() if change.propose else None
    except PlanChangedError as now:
        outcome, moved = now.outcome, True
    except EgxError as refused:
        error = refused
    told = {"change": change, "outcome": outcome, "error": error, "moved": moved}
    return render(request, "monitoring/change.html", shown | told)
