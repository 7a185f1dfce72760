"""The page between choosing an action and its being done: what would be done to each row, and whether to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from deployments.applying import Outcome
from egx_project.access.rows import Rows
from egx_project.lib.errors import EgxError

CONFIRMED = "confirmed"


@dataclass(frozen=True)
class Line:
    """A row, and what would be done to it."""

    row: Any
    plan: str = ""
    planned: str = ""
    """The plan's fingerprint: only that is done."""
    problem: str = ""


def propose(rows: Iterable[Model], planning: Callable[[Any], Outcome]) -> list[Line]:
    """Each row's plan, or why there is none."""
    lines = []
    for row in rows:
        try:
            outcome = planning(row)
        except EgxError as error:
            lines.append(Line(row, problem=str(error)))
        else:
            text = "\n".join(plan.text() for plan in outcome.plans.values())
            lines.append(Line(row, plan=text, planned=outcome.fingerprint))
    return lines


def agreed(request: HttpRequest, row: Model) -> str:
    """The fingerprint of what was agreed to."""
    return str(request.POST.get(f"planned-{row.pk}", ""))


def ask_first(
    rows: Rows,
    request: HttpRequest,
    lines: Iterable[Line],
    *,
    action: str,
    title: str,
    meaning: str,
    wants_reason: bool = False,
) -> HttpResponse:
    context = {
        **rows.admin_site.each_context(request),
        "title": title,
        "opts": rows.opts,
        "media": rows.media,
        "meaning": meaning,
        "lines": list(lines),
        "action": action,
        "wants_reason": wants_reason,
        "row_name": ACTION_CHECKBOX_NAME,
        "confirmed": CONFIRMED,
    }
    return TemplateResponse(request, "updates/ask_first.html", context)
