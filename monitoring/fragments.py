"""Parts of pages, each from one template: the page includes it, and a push replaces it."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string

from deployments import selectors as deployments
from egx_project.access.roles import Role
from egx_project.lib.errors import NotFoundError
from gateways import selectors as gateways

RECENT_OPERATIONS = 8


def render(view: str, *, role: Role, subjects: frozenset[str] | None) -> dict[str, str]:  # noqa: ARG001
    """The HTML of what may have changed on a page, by element id; without `subjects`, of all its parts.

    Raises NotFoundError for a page that there is not.
    """
    if view != "overview":
        raise NotFoundError(f"there is no page {view!r} to watch")
    context = overview()
    return {part: render_to_string(f"monitoring/_{part}.html", context) for part in ("gateways", "operations")}


def overview() -> dict[str, Any]:
    rows = [
        {
            "name": gateway.name,
            "state": deployments.gateway_state(
                gateway,
                unfinished=gateway.unfinished,  # type: ignore[attr-defined]  # put there by the prefetch
                slots=gateway.slots.all(),
            ),
            "addresses": [
                f"http://localhost:{number}"
                for number in sorted({listener.port.number for listener in gateway.listeners.all()})
            ],
            "slots": gateway.slots.all(),
            "routes": len(gateway.routes.all()),
            "generation": gateway.generation,
            "applied": gateway.applied_generation,
        }
        for gateway in deployments.with_deployments(gateways.gateways())
    ]
    return {"gateways": rows, "operations": deployments.operations()[:RECENT_OPERATIONS]}
