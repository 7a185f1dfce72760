"""Operations and their journal."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import selectors, services

MOST = 100


class Operations(APIView):
    def get(self, request: Request) -> Response:
        found = selectors.operations()
        if name := request.query_params.get("gateway"):
            found = found.filter(gateway_name=name)
        return Response({"items": [selectors.operation_json(operation) for operation in found[:MOST]]})


class OneOperation(APIView):
    def get(self, request: Request, pk: int) -> Response:  # noqa: ARG002
        return Response(selectors.operation_json(services.find_operation(pk)))


class Cancel(APIView):
    def post(self, request: Request, pk: int) -> Response:
        operation = services.cancel(operation_id=pk, by=str(request.user))
        return Response(selectors.operation_json(operation), status=202)


class Resume(APIView):
    def post(self, request: Request, pk: int) -> Response:
        operation = services.resume(operation_id=pk, by=str(request.user))
        return Response(selectors.operation_json(operation), status=202)
