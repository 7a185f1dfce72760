"""Events by polling: the WebSocket's twin."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from egx_project.access.identity import user_of
from egx_project.access.roles import Action, Role, may, role_of
from egx_project.events.hub import hub, wait_since
from egx_project.events.read import Page
from egx_project.lib.errors import NOT_ALLOWED, BadInputError, EgxError, ForbiddenError, UnauthorizedError
from egx_project.problems import response as problem
from monitoring.live import painter

LONGEST_WAIT_SECONDS = 30.0
LONGEST_NUMBER = 18
COMPACT = {"separators": (",", ":")}  # as all other answers
PARAMETERS = frozenset({"since", "operation", "wait", "view"})


async def events(request: HttpRequest) -> HttpResponseBase:
    """Events after `since`, or the newest; waits up to `wait` seconds for one.

    With `view`, what changed of that page comes too. Outside DRF, which knows no async views.
    """
    user, role = await sync_to_async(_who)(request)
    if role is None or not may(user, Action.VIEW):
        return problem(ForbiddenError(NOT_ALLOWED) if user else UnauthorizedError())
    try:
        since, operation = _number(request, "since"), _number(request, "operation")
        seconds = min(_seconds(request), LONGEST_WAIT_SECONDS)
    except BadInputError as error:
        return problem(error)
    page = await wait_since(since, operation=operation, seconds=seconds)
    try:
        body = page.as_json() | await _fragments(page, request.GET.get("view", ""), role)
        return JsonResponse(body, json_dumps_params=COMPACT)
    except EgxError as error:
        return problem(error)


def _who(request: HttpRequest) -> tuple[Any, Role | None]:
    user = user_of(request)
    return user, role_of(user)


async def _fragments(page: Page, view: str, role: Role) -> dict[str, Any]:
    if not view or not (page.events or page.reset):
        return {}
    return {"fragments": await painter(hub()).changed(page, view=view, role=role)}


def _number(request: HttpRequest, name: str) -> int | None:
    value = request.GET.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= LONGEST_NUMBER):
        raise BadInputError(f"{name} is a number, not {value[:50]!r}")
    return int(value)


def _seconds(request: HttpRequest) -> float:
    unknown = sorted(set(request.GET) - PARAMETERS)
    if unknown:
        raise BadInputError(
            f"there is no parameter {unknown[0][:50]!r}", hint=f"one of {', '.join(sorted(PARAMETERS))}"
        )
    return float(_number(request, "wait") or 0)
