"""What people wrote, as canonical YAML."""

from __future__ import annotations

from typing import Literal

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from egx_project.rest.bodies import ApiModel, asked
from gateways import selectors
from gateways.manifests import writer
from gateways.spec import objects

KINDS = {
    "gateways": (objects.Gateway.KIND,),
    "routes": (objects.HTTPRoute.KIND,),
    "backends": (objects.Backend.KIND, objects.Service.KIND),
}
ALL = tuple(kind for kinds in KINDS.values() for kind in kinds)


class Asked(ApiModel):
    kind: Literal["gateways", "routes", "backends"] | None = None
    namespace: str | None = None
    name: str | None = None


class Export(APIView):
    @extend_schema(
        parameters=[
            OpenApiParameter("kind", OpenApiTypes.STR, enum=list(KINDS)),
            OpenApiParameter("namespace", OpenApiTypes.STR),
            OpenApiParameter("name", OpenApiTypes.STR),
        ],
        responses={(200, "application/yaml"): OpenApiTypes.ANY},
    )
    def get(self, request: Request) -> HttpResponse:
        """Manifests that `egx apply` takes."""
        wanted = asked(Asked, request)
        kinds = KINDS[wanted.kind] if wanted.kind else ALL
        found = selectors.export(kinds=kinds, namespace=wanted.namespace, name=wanted.name)
        return HttpResponse(writer.write(found), content_type="application/yaml")
