"""Where gateways may run."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import targets
from egx_project.access.roles import Action
from egx_project.rest.answers import answer_once
from egx_project.rest.bodies import ApiModel, parsed
from egx_project.rest.listing import Listed, Listing
from gateways import selectors
from gateways.models import Target, TargetKind
from gateways.spec.base import Label

ADMIN = {"POST": Action.ADMINISTER, "DELETE": Action.ADMINISTER}


class TargetBody(ApiModel):
    name: Label
    kind: TargetKind
    node: str = Field(default="", max_length=253, pattern=r"^[A-Za-z0-9._-]*$")
    """The host whose workers reach it; empty where all do."""


class TargetOut(ApiModel):
    name: str
    kind: TargetKind
    node: str


class TargetsOut(Listed[TargetOut]):
    pass


class TargetFilters(FilterSet):
    class Meta:
        model = Target
        fields: ClassVar = ["name", "kind", "node"]


class Targets(Listing[Target]):
    filterset_class = TargetFilters
    needs: ClassVar = ADMIN
    answers_once = True

    def get_queryset(self) -> QuerySet[Target]:
        return Target.objects.all()

    def show(self, row: Target) -> TargetOut:
        return TargetOut(name=row.name, kind=TargetKind(row.kind), node=row.node)

    @extend_schema(responses=TargetsOut)
    def get(self, _request: Request) -> Response:
        return self.listed()

    @extend_schema(request=TargetBody, responses={201: TargetOut})
    def post(self, request: Request) -> Response:
        """Add one."""
        body = parsed(TargetBody, request)

        def make() -> tuple[int, dict[str, Any]]:
            target = targets.add_target(name=body.name, kind=body.kind, node=body.node)
            return 201, self.show(target).as_json()

        return answer_once(request, make)


class OneTarget(APIView):
    needs: ClassVar = ADMIN

    @extend_schema(responses=TargetOut)
    def get(self, _request: Request, name: str) -> Response:
        return Response(Targets().show(selectors.find_target(name)).as_json())

    @extend_schema(responses={204: None})
    def delete(self, _request: Request, name: str) -> Response:
        """Forget a target that has no gateways."""
        targets.remove_target(name=name)
        return Response(status=204)
