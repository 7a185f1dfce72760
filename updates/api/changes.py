"""Plans, updates and rollbacks of a gateway."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments.api.objects import PlaceAsked
from deployments.api.parameters import NAMESPACE
from deployments.api.shown import ChangedOut, PlanOut, changed, plan_out
from deployments.applying import Outcome
from deployments.models import Operation
from egx_project.lib.errors import NotFoundError
from egx_project.rest.answers import Made, answer_once
from egx_project.rest.bodies import ApiModel, asked, parsed
from gateways.models import Gateway
from gateways.selectors import find_gateway
from gateways.spec.base import Problem
from updates.api.shown import SoakOut, UpdateInfoOut, info_out, soak_out
from updates.models import Soak
from updates.services import changes, checks
from updates.services.changes import UpToDateError

VERSION = OpenApiParameter("to", OpenApiTypes.STR, description="A version of the engine.")
BACK = OpenApiParameter("back", OpenApiTypes.BOOL, description="The plan of a rollback.")


def gateway_of(request: Request, name: str) -> Gateway:
    return find_gateway(name, namespace=asked(PlaceAsked, request).namespace)


class PlanAsked(PlaceAsked):
    to: str = ""
    back: bool = False


class GatewayPlan(APIView):
    @extend_schema(parameters=[NAMESPACE, VERSION, BACK], responses=PlanOut)
    def get(self, request: Request, name: str) -> Response:
        """The steps that bring the gateway to its desired state, or to another version. Changes nothing."""
        query = asked(PlanAsked, request)
        gateway = find_gateway(name, namespace=query.namespace)
        plan = changes.plan_for(gateway, version=query.to, back=query.back)
        return Response(plan_out(gateway.place, plan).as_json())


class UpdateBody(ApiModel):
    to: str = ""
    """A version; empty for the newest that the policy allows."""
    downgrade: bool = False


class Update(APIView):
    answers_once = True

    @extend_schema(parameters=[NAMESPACE], responses=UpdateInfoOut)
    def get(self, request: Request, name: str) -> Response:
        """What the gateway could be updated to, as far as is known."""
        return Response(info_out(checks.update_info(gateway_of(request, name))).as_json())

    @extend_schema(parameters=[NAMESPACE], request=UpdateBody, responses={200: ChangedOut, 202: ChangedOut})
    def post(self, request: Request, name: str) -> Response:
        """Put another version of the engine in the place of the one that serves."""
        body, gateway = parsed(UpdateBody, request), gateway_of(request, name)
        return answer_once(
            request,
            lambda: _asked(
                lambda: changes.request_update(
                    gateway=gateway, version=body.to, downgrade=body.downgrade, by=str(request.user)
                )
            ),
        )


def _asked(ask: Callable[[], Operation]) -> Made:
    try:
        return changed(Outcome(operations=[ask()]))
    except UpToDateError as error:
        said = Problem(message=error.message, hint=error.hint, severity="warning")
        return changed(Outcome(warnings=[said]))


class RollbackBody(ApiModel):
    to: str = ""
    """A backup; empty for the engine before."""


class Rollback(APIView):
    answers_once = True

    @extend_schema(parameters=[NAMESPACE], request=RollbackBody, responses={202: ChangedOut})
    def post(self, request: Request, name: str) -> Response:
        """Back to the engine before, or to a backup."""
        body, gateway = parsed(RollbackBody, request), gateway_of(request, name)

        def make() -> Made:
            by = str(request.user)
            return changed(Outcome(operations=[changes.request_rollback(gateway=gateway, backup=body.to, by=by)]))

        return answer_once(request, make)


class GatewaySoak(APIView):
    @extend_schema(parameters=[NAMESPACE], responses=SoakOut)
    def get(self, request: Request, name: str) -> Response:
        """The watch after the gateway's last switch."""
        soak = Soak.objects.filter(gateway=gateway_of(request, name)).first()
        if soak is None:
            raise NotFoundError(f"gateway {name} has not been switched yet")
        shown: dict[str, Any] = soak_out(soak).as_json()
        return Response(shown)
