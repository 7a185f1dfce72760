"""Operations and their journal."""

from __future__ import annotations

from typing import ClassVar

import django_filters
from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import selectors, services
from deployments.api.shown import OperationOut, OperationsOut, operation_out
from deployments.models import Operation
from egx_project.rest.answers import answer_once
from egx_project.rest.listing import Listing


class OperationFilters(FilterSet):
    gateway = django_filters.CharFilter(field_name="gateway_name")

    class Meta:
        model = Operation
        fields: ClassVar = ["kind", "state"]


class Operations(Listing[Operation]):
    """Newest first."""

    filterset_class = OperationFilters

    def get_queryset(self) -> QuerySet[Operation]:
        return selectors.operations()

    def show(self, row: Operation) -> OperationOut:
        return operation_out(row)

    @extend_schema(responses=OperationsOut)
    def get(self, _request: Request) -> Response:
        return self.listed()


class OneOperation(APIView):
    @extend_schema(responses=OperationOut)
    def get(self, _request: Request, pk: int) -> Response:
        return Response(operation_out(services.find_operation(pk)).as_json())


class Cancel(APIView):
    answers_once = True

    @extend_schema(request=None, responses={202: OperationOut})
    def post(self, request: Request, pk: int) -> Response:
        """It stops before its next step, and what it began is undone."""
        by = str(request.user)
        return answer_once(request, lambda: (202, operation_out(services.cancel(operation_id=pk, by=by)).as_json()))


class Resume(APIView):
    answers_once = True

    @extend_schema(request=None, responses={202: OperationOut})
    def post(self, request: Request, pk: int) -> Response:
        """A failed one goes on, in the direction in which it was going."""
        by = str(request.user)
        return answer_once(request, lambda: (202, operation_out(services.resume(operation_id=pk, by=by)).as_json()))
