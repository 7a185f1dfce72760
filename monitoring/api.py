"""REST: EGX itself, and its events."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import selectors as deployments
from deployments.api.gateways import gateway_json
from egx_project.access.identity import user_of
from egx_project.access.permissions import Permitted
from egx_project.access.roles import Action, Role, may, role_of
from egx_project.events.hub import hub, wait_since
from egx_project.events.read import Page
from egx_project.lib.errors import BadInputError, EgxError, ForbiddenError, UnauthorizedError
from egx_project.problems import response as problem
from egx_project.version import version
from gateways import selectors as gateways
from monitoring.live import fragments_for

LONGEST_WAIT_SECONDS = 30.0


class Status(APIView):
    def get(self, request: Request) -> Response:  # noqa: ARG002
        found = deployments.with_deployments(gateways.gateways())
        return Response(
            {
                "version": version(),
                "url": settings.EGX_URL,
                "pid": os.getpid(),
                "node": settings.EGX_NODE,
                "data_dir": str(settings.EGX_DATA_DIR),
                "gateways": [gateway_json(gateway) for gateway in found],
            }
        )


async def events(request: HttpRequest) -> HttpResponseBase:
    """Events after `since`, or the newest; waits up to `wait` seconds for one. The WebSocket's twin.

    With `view`, what changed of that page comes too. Outside DRF, which knows no async views.
    """
    user, role = await hub().in_database(_who, request)
    if role is None or not may(user, Action.VIEW):
        return problem(ForbiddenError(Permitted.message) if user else UnauthorizedError())
    try:
        since = int(request.GET["since"]) if "since" in request.GET else None
        operation = int(request.GET["operation"]) if "operation" in request.GET else None
        seconds = min(float(request.GET.get("wait", "0")), LONGEST_WAIT_SECONDS)
    except ValueError:
        return problem(BadInputError("since, operation and wait are numbers"))
    page = await wait_since(since, operation=operation, seconds=seconds)
    try:
        return JsonResponse(page.as_json() | await _fragments(page, request.GET.get("view", ""), role))
    except EgxError as error:
        return problem(error)


def _who(request: HttpRequest) -> tuple[Any, Role | None]:
    user = user_of(request)
    return user, role_of(user)


async def _fragments(page: Page, view: str, role: Role) -> dict[str, Any]:
    if not view or not (page.events or page.reset):
        return {}
    return {"fragments": await fragments_for(hub(), page, view=view, role=role)}
