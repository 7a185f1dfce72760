"""How a gateway's engine may change."""

from __future__ import annotations

from datetime import time
from typing import Any, Literal

from django.forms.models import model_to_dict
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments.api.parameters import NAMESPACE
from egx_project.rest.bodies import ApiModel, parsed
from updates.api.changes import gateway_of
from updates.models import Mode, Signatures, UpdatePolicy
from updates.services.policies import policy_of, set_policy


class PolicyBody(ApiModel):
    """All of it, or what of it is to change."""

    mode: Mode | None = None
    channel: str | None = None
    versions: str | None = None
    prereleases: bool | None = None
    skip_minor: int | None = None
    check_seconds: int | None = None
    window_days: str | None = None
    window_start: time | None = None
    window_minutes: int | None = None
    window_zone: str | None = None
    cool_down_hours: int | None = None
    rollback: bool | None = None
    soak_seconds: int | None = None
    soak_requests: int | None = None
    soak_failures_percent: float | None = None
    soak_latency_factor: float | None = None
    soak_latency_ms: int | None = None
    warm_seconds: int | None = None
    drain_seconds: int | None = None
    """`null`: until the last connection ends."""
    keep_backups: int | None = None
    drill: bool | None = None
    signatures: Signatures | Literal["required", "preferred"] | None = None
    """`required` is `require`, and `preferred` is `warn`."""


NULLS = frozenset({"window_start", "drain_seconds"})


class Policy(APIView):
    @extend_schema(parameters=[NAMESPACE], responses=PolicyBody)
    def get(self, request: Request, name: str) -> Response:
        return Response(_shown(policy_of(gateway_of(request, name))))

    @extend_schema(parameters=[NAMESPACE], request=PolicyBody, responses=PolicyBody)
    def patch(self, request: Request, name: str) -> Response:
        """Change what the body names, and leave the rest."""
        body = parsed(PolicyBody, request)
        named = {field: getattr(body, field) for field in body.model_fields_set}
        wanted = {field: value for field, value in named.items() if value is not None or field in NULLS}
        return Response(_shown(set_policy(gateway=gateway_of(request, name), changes=wanted, by=str(request.user))))


def _shown(policy: UpdatePolicy) -> dict[str, Any]:
    fields = model_to_dict(policy, fields=list(PolicyBody.model_fields))
    return PolicyBody.model_construct(**fields).as_json()
