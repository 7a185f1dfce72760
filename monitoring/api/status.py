"""How EGX is."""

from __future__ import annotations

import ipaddress
import os
import secrets
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import selectors as deployments
from deployments.api.gateways import gateways_json
from deployments.api.shown import GatewayOut
from deployments.selectors import GatewayState
from egx_project.access.identity import SocketAuthentication, shown_token
from egx_project.access.roles import Action, may
from egx_project.access.services import user_of_token
from egx_project.rest.bodies import ApiModel
from egx_project.version import version
from gateways import selectors as gateways


class StatusOut(ApiModel):
    version: str
    url: str
    pid: int
    node: str
    data_dir: str
    gateways: list[GatewayOut]


class Status(APIView):
    @extend_schema(responses=StatusOut)
    def get(self, _request: Request) -> Response:
        """EGX, and all its gateways."""
        return Response(
            {
                "version": version(),
                "url": settings.EGX_URL,
                "pid": os.getpid(),
                "node": settings.EGX_NODE,
                "data_dir": str(settings.EGX_DATA_DIR),
                "gateways": gateways_json(),
            }
        )


class SummaryItem(ApiModel):
    name: str
    state: GatewayState
    target: str
    engine_version: str
    addresses: list[str]


class SummaryOut(ApiModel):
    version: str
    status: str
    """`serving` when all gateways are, `idle` when there are none, else the state that needs a look."""
    total: int
    serving: int
    gateways: list[SummaryItem]


class FromHereOrLoggedIn(BasePermission):
    """Scripts on this host ask without a login, unless EGX_SUMMARY_TOKEN says that they must show it."""

    def has_permission(self, request: Request, view: Any) -> bool:  # noqa: ANN401, ARG002
        shown = shown_token(request.headers.get("Authorization", ""))
        user = request.user if shown is None else user_of_token(shown)
        return may(user, Action.VIEW) or _may_without_login(request._request)


def _may_without_login(request: HttpRequest) -> bool:
    token = settings.EGX_SUMMARY_TOKEN
    if token:
        shown = shown_token(request.headers.get("Authorization", "")) or ""
        return secrets.compare_digest(shown.encode(), token.encode())
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


class Summary(APIView):
    # Not by token, which may be EGX_SUMMARY_TOKEN: the permission looks at that.
    authentication_classes = (SocketAuthentication, SessionAuthentication)
    permission_classes = (FromHereOrLoggedIn,)

    @extend_schema(responses=SummaryOut, auth=[])
    def get(self, _request: Request) -> Response:
        """What serves, in short. Open to this host."""
        items = [
            SummaryItem(
                name=gateway.place,
                state=deployments.state_of(gateway),
                target=gateway.target.name,
                engine_version=gateway.engine_version,
                addresses=[f"http://localhost:{number}" for number in gateways.ports_of(gateway)],
            )
            for gateway in deployments.with_deployments(gateways.gateways())
        ]
        others = [item.state for item in items if item.state != GatewayState.SERVING]
        status = "idle" if not items else str(others[0] if others else GatewayState.SERVING)
        summary = SummaryOut(
            version=version(), status=status, total=len(items), serving=len(items) - len(others), gateways=items
        )
        return Response(summary.as_json())
