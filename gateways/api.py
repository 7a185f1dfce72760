"""REST: reading desired state."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gateways import selectors
from gateways.manifests import writer
from gateways.models import Route, Target
from gateways.spec import objects

EXPORTS = {
    "gateways": (objects.Gateway.KIND,),
    "routes": (objects.HTTPRoute.KIND,),
    "backends": (objects.Backend.KIND, objects.Service.KIND),
}
ALL_KINDS = tuple(kind for kinds in EXPORTS.values() for kind in kinds)


class Targets(APIView):
    def get(self, request: Request) -> Response:  # noqa: ARG002
        found = Target.objects.all()
        return Response({"items": [{"name": t.name, "kind": t.kind, "node": t.node} for t in found]})


class Routes(APIView):
    def get(self, request: Request) -> Response:
        places = {
            field: request.query_params[field] for field in ("name", "namespace") if field in request.query_params
        }
        found = Route.objects.prefetch_related("gateways").filter(**places)
        return Response({"items": [_route(route) for route in found]})


def _route(route: Route) -> dict[str, Any]:
    written = route.as_object()
    return {
        "kind": route.kind,
        "namespace": route.namespace,
        "name": route.name,
        "hostnames": list(written.spec.hostnames),
        "gateways": [gateway.name for gateway in route.gateways.all()],
        "manifest": writer.document(written),
    }


class Export(APIView):
    """What people wrote, as canonical YAML."""

    def get(self, request: Request) -> HttpResponse:
        kinds = EXPORTS.get(request.query_params.get("kind", ""), ALL_KINDS)
        found = selectors.export(
            kinds=kinds,
            namespace=request.query_params.get("namespace"),
            name=request.query_params.get("name"),
        )
        return HttpResponse(writer.write(found), content_type="application/yaml")
