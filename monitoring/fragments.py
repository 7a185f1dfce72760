"""The parts of pages that change by themselves. Pages are made of them, and the live transport sends them again."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from deployments import support
from deployments.exposing import offers as containers
from deployments.models import OperationState
from egx_project.access.roles import MAY, Action, Role
from egx_project.lib.errors import EgxError, NotFoundError
from gateways.models import Gateway, TargetKind
from monitoring import engines, history, measures, offers, selectors

Subjects = frozenset[str] | None
Parts = dict[str, str]

VIEW = re.compile(r"(?P<kind>overview|releases|containers|services|gateway|history|operation)/(?P<number>[0-9]{1,18})")
"""A page of the overview or of the releases, the containers, the services, a gateway, its history's first page, or an
operation."""
FIRST_PAGES = {
    "overview": "overview/1",
    "releases": "releases/1",
    "containers": "containers/1",
    "services": "services/1",
}
OFFERED = ("release/", "channel/")
"""How subjects begin whose events change what gateways could be updated to."""


def render(view: str, *, role: Role, subjects: Subjects) -> dict[str, str]:
    """HTML of the parts of a page that may have changed, by element id; with `subjects` None, all of them.

    Raises NotFoundError for a page that there is not.
    """
    found = VIEW.fullmatch(FIRST_PAGES.get(view, view))
    if found is None:
        raise NotFoundError(f"there is no page {view[:100]!r} to watch")
    return VIEWS[found["kind"]](int(found["number"]), role, subjects)


def _overview(page: int, role: Role, subjects: Subjects) -> Parts:
    if subjects is None or _offers_changed(subjects):
        return _gateways(page, role) | _recent_operations()
    if not any(subject.startswith("gateway/") for subject in subjects):
        return _recent_operations() if any(subject.startswith("build/") for subject in subjects) else {}
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
    if subjects is not None and f"gateway/{card.name}" not in subjects and not _offers_changed(subjects):
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
        soak=engines.soak_of(card.gateway),
        previous=engines.previous_of(card.gateway),
    )
    return {part: html}


def _history(pk: int, role: Role, subjects: Subjects) -> Parts:
    part = f"gateway-{pk}-history"
    card = selectors.find_card(pk)
    if card is None:
        return {part: _gone(part, "This gateway is gone")}
    if subjects is not None and f"gateway/{card.name}" not in subjects:
        return {}
    return {part: history_html(card.gateway, page=1, role=role)}


def history_html(gateway: Gateway, *, page: int, role: Role) -> SafeString:
    """A page of the history; only the first one is live, as entries move from page to page."""
    found, entries = history.page_of(gateway, page)
    return _html(
        "_history.html",
        id=f"gateway-{gateway.pk}-history",
        gateway=gateway,
        page=found,
        entries=entries,
        may_change=_may_change(role),
    )


def _releases(page: int, role: Role, subjects: Subjects) -> Parts:
    if subjects is not None and not _offers_changed(subjects) and not any(s.startswith("gateway/") for s in subjects):
        return {}
    found, lines = offers.release_page(page)
    html = _html("_releases.html", channels=offers.channels(), page=found, lines=lines, may_change=_may_change(role))
    return {"releases": html}


def _containers(page: int, role: Role, subjects: Subjects) -> Parts:
    """Docker itself is asked, which tells of no events here: the page looks again by itself, too."""
    del page
    if subjects is not None and not any(subject.startswith(("route/", "backend/")) for subject in subjects):
        return {}
    offers, error = [], None
    try:
        target = containers.docker_target()
        offers = containers.offers(target)
    except EgxError as refused:
        error = refused
    gateways = Gateway.objects.filter(target__kind=TargetKind.DOCKER).count()
    html = _html(
        "_containers.html", offers=offers, error=error, may_change=_may_change(role), one_gateway=gateways == 1
    )
    return {"containers": html}


def _services(_page: int, role: Role, subjects: Subjects) -> Parts:
    if subjects is not None and not any(subject.startswith(("service/", "target/")) for subject in subjects):
        return {}
    found = support.services()
    return {"services": _html("_services.html", services=found, may_administer=Action.ADMINISTER in MAY[role])}


def _offers_changed(subjects: frozenset[str]) -> bool:
    return any(subject.startswith(OFFERED) for subject in subjects)


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
        said=selectors.said_by(operation),
        measured=measures.of_operation(operation.result, engines.soak_after(operation)),
        facts=measures.facts(operation.result),
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
    "releases": _releases,
    "containers": _containers,
    "services": _services,
    "gateway": _gateway,
    "history": _history,
    "operation": _operation,
}
