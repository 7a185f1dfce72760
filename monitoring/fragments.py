"""The parts of pages that change by themselves. Pages are made of them, and the live transport sends them again."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from deployments.models import OperationState
from egx_project.access.roles import MAY, Action, Role
from egx_project.lib.errors import NotFoundError
from monitoring import selectors

Subjects = frozenset[str] | None
Parts = dict[str, str]

VIEW = re.compile(r"(?P<kind>overview|gateway|operation)/(?P<number>[0-9]{1,18})")
"""A page of the overview, a gateway or an operation; without a number, the overview's first page."""


def render(view: str, *, role: Role, subjects: Subjects) -> dict[str, str]:
    """HTML of the parts of a page that may have changed, by element id; with `subjects` None, all of them.

    Raises NotFoundError for a page that there is not.
    """
    if view == "overview":
        return _overview(1, role, subjects)
    found = VIEW.fullmatch(view)
    if found is None:
        raise NotFoundError(f"there is no page {view[:100]!r} to watch")
    return VIEWS[found["kind"]](int(found["number"]), role, subjects)


def _overview(page: int, role: Role, subjects: Subjects) -> Parts:
    if subjects is None:
        return _gateways(page, role) | _recent_operations()
    if not any(subject.startswith("gateway/") for subject in subjects):
        return {}
    concerned = selectors.cards(selectors.gateways_of(subjects))
    if selectors.some_came_or_went(subjects, [card.gateway for card in concerned]):
        return _gateways(page, role) | _recent_operations()
    cards = {card.id: _html("_gateway_card.html", card=card) for card in concerned}
    return cards | _recent_operations()


def _gateways(page: int, role: Role) -> Parts:
    found = selectors.gateway_page(page)
    cards = selectors.cards(found.object_list)
    return {"gateways": _html("_gateways.html", page=found, cards=cards, may_change=_may_change(role))}


def _recent_operations() -> Parts:
    return {"operations": _html("_operations.html", operations=selectors.recent_operations())}


def _gateway(pk: int, role: Role, subjects: Subjects) -> Parts:
    part = f"gateway-{pk}-detail"
    card = selectors.find_card(pk)
    if card is None:
        return {part: _gone(part, "This gateway is gone")}
    if subjects is not None and f"gateway/{card.name}" not in subjects:
        return {}
    operations = selectors.operations_of(card.gateway)
    html = _html(
        "_gateway.html",
        id=part,
        card=card,
        routes=selectors.routes_of(card.gateway),
        operations=operations,
        messages=selectors.messages_of(card, operations),
        manifest=selectors.manifest_of(card.gateway),
        may_change=_may_change(role),
    )
    return {part: html}


def _operation(pk: int, role: Role, subjects: Subjects) -> Parts:
    part = f"operation-{pk}"
    operation = selectors.find_operation(pk)
    if operation is None:
        return {part: _gone(part, "There is no such operation")}
    if subjects is not None and operation.subject not in subjects:
        return {}
    html = _html(
        "_operation.html",
        id=part,
        operation=operation,
        gateway_name=operation.gateway.place if operation.gateway else "",
        progress=selectors.Progress(operation),
        steps=selectors.step_lines(operation),
        took=selectors.took(operation),
        log=selectors.log_of(operation),
        may_cancel=_may_change(role) and operation.is_active and not operation.cancelled_by,
        may_resume=_may_change(role) and operation.state == OperationState.FAILED,
    )
    return {part: html}


def _gone(part: str, what: str) -> SafeString:
    return _html("_gone.html", id=part, what=what)


def _may_change(role: Role) -> bool:
    return Action.CHANGE in MAY[role]


def _html(template: str, **context: object) -> SafeString:
    return render_to_string(f"monitoring/{template}", context)


VIEWS: dict[str, Callable[[int, Role, Subjects], Parts]] = {
    "overview": _overview,
    "gateway": _gateway,
    "operation": _operation,
}
