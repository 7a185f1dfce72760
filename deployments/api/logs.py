"""What gateways say."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import gateway_logs
from deployments.api.objects import PlaceAsked
from deployments.api.parameters import NAMESPACE
from deployments.drivers.log_files import Kind, LogPage
from egx_project.rest.bodies import ApiModel, asked
from gateways import selectors as desired


class LogsAsked(PlaceAsked):
    since: str = Field(default="", max_length=40)
    kind: Kind | None = None
    limit: int = Field(default=200, ge=1, le=1000)
    after: str = Field(default="", max_length=100)


class LogLineOut(ApiModel):
    at: str
    kind: Kind
    source: str
    """The slot with its revision, or the edge with its port."""
    text: str


class LogsOut(ApiModel):
    items: list[LogLineOut]
    """Oldest first."""
    after: str
    """What to ask for to go on."""
    more: bool
    """Whether there is more by now."""
    kept: bool
    """By the log agent; else they are what Docker itself still has."""


PARAMETERS = [
    NAMESPACE,
    OpenApiParameter("since", OpenApiTypes.STR, description="A span such as `10m`, or a moment; else the last lines."),
    OpenApiParameter("kind", OpenApiTypes.STR, enum=list(Kind), description="Only what engines say, or only requests."),
    OpenApiParameter("limit", OpenApiTypes.INT, description="How many lines at most; 200, and never more than 1000."),
    OpenApiParameter("after", OpenApiTypes.STR, description="Go on after a page: its `after`."),
]


class GatewayLogs(APIView):
    @extend_schema(parameters=PARAMETERS, responses=LogsOut)
    def get(self, request: Request, name: str) -> Response:
        """What its engines say, and a line for each request."""
        wanted = asked(LogsAsked, request)
        gateway = desired.find_gateway(name, namespace=wanted.namespace)
        kinds = (wanted.kind,) if wanted.kind else tuple(Kind)
        page = gateway_logs.read(gateway, kinds=kinds, limit=wanted.limit, since=wanted.since, after=wanted.after)
        return Response(_shown(page).as_json())


def _shown(page: LogPage) -> LogsOut:
    items = [LogLineOut(at=one.at, kind=one.kind, source=one.source, text=one.text) for one in page.lines]
    return LogsOut(items=items, after=page.after, more=page.more, kept=page.kept)
