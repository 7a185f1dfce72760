"""Support services of targets."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import support
from deployments.drivers.supporting import ServiceName
from deployments.models import ServiceState
from deployments.support import Service
from egx_project.access.roles import Action
from egx_project.rest.bodies import ApiModel, asked, parsed

ADMIN = {"PUT": Action.ADMINISTER}


class ServiceBody(ApiModel):
    wanted: bool
    """Whether it is to be there."""


class ServiceFilter(ApiModel):
    target: str = Field(default="", max_length=63)


class ServiceOut(ApiModel):
    target: str
    name: ServiceName
    meaning: str
    wanted: bool
    state: ServiceState
    ready: bool | None
    """Whether it does its work now; null where that cannot be seen from here."""
    address: str
    """Where it is reached, by whom it is for."""
    image: str
    problem: str
    hint: str
    by: str
    changed_at: datetime | None


class ServicesOut(ApiModel):
    items: list[ServiceOut]


class Services(APIView):
    @extend_schema(
        operation_id="services_list",
        parameters=[OpenApiParameter("target", OpenApiTypes.STR, description="Of this target only.")],
        responses=ServicesOut,
    )
    def get(self, request: Request) -> Response:
        """The support services of all targets that have some, whether they are there and how they are."""
        wanted = asked(ServiceFilter, request)
        found = support.services(target=wanted.target)
        return Response(ServicesOut(items=[shown(one) for one in found]).as_json())


class OneService(APIView):
    needs: ClassVar = ADMIN

    @extend_schema(responses=ServiceOut)
    def get(self, _request: Request, target: str, name: str) -> Response:
        return Response(shown(support.find_service(target=target, name=name)).as_json())

    @extend_schema(request=ServiceBody, responses={202: ServiceOut})
    def put(self, request: Request, target: str, name: str) -> Response:
        """Switch it on or off. That is carried out afterwards; the same again tries again at once."""
        body = parsed(ServiceBody, request)
        found = support.switch(target=target, name=name, on=body.wanted, by=str(request.user))
        return Response(shown(found).as_json(), status=202)


def shown(service: Service) -> ServiceOut:
    row, observed = service.row, service.observed
    return ServiceOut(
        target=service.target.name,
        name=service.name,
        meaning=service.meaning,
        wanted=row.wanted,
        state=ServiceState(row.state),
        ready=observed.ready if observed else None,
        address=observed.address if observed else "",
        image=observed.image if observed else "",
        problem=service.problem,
        hint=row.hint,
        by=row.by,
        changed_at=row.changed_at if row.pk else None,
    )
