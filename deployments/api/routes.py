"""Routes, and the backends that they send traffic to."""

from __future__ import annotations

from typing import ClassVar

import django_filters
from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments.api.conditions import Conditions
from deployments.api.objects import DEFAULT_NAMESPACE, PlaceAsked, create, delete, put
from deployments.api.parameters import ETAG, IF_MATCH, IF_NONE_MATCH, NAMESPACE
from deployments.api.shown import (
    BackendOut,
    BackendsOut,
    ChangedOut,
    RouteOut,
    RoutesOut,
    backend_out,
    route_out,
)
from egx_project.lib.errors import NotFoundError
from egx_project.rest.answers import answer_once
from egx_project.rest.bodies import ApiModel, asked
from egx_project.rest.listing import Listing
from gateways import selectors
from gateways.models import Backend, Route
from gateways.spec import objects
from gateways.spec.base import ObjectRef

ROUTES = (objects.HTTPRoute.KIND,)
BACKENDS = selectors.BACKEND_KINDS


class RouteFilters(FilterSet):
    gateway = django_filters.CharFilter(field_name="gateways__name", distinct=True)

    class Meta:
        model = Route
        fields: ClassVar = ["kind", "namespace", "name"]


class Routes(Listing[Route]):
    filterset_class = RouteFilters
    answers_once = True

    def get_queryset(self) -> QuerySet[Route]:
        return Route.objects.prefetch_related("gateways")

    def show(self, row: Route) -> RouteOut:
        return route_out(row)

    @extend_schema(responses=RoutesOut)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        return self.listed()

    @extend_schema(request=OpenApiTypes.OBJECT, responses={201: ChangedOut, 202: ChangedOut})
    def post(self, request: Request) -> Response:
        """Make a route that is not there yet. The body is a route of the Gateway API."""
        return answer_once(request, lambda: create(request, kinds=ROUTES, target=None))


class BackendFilters(FilterSet):
    class Meta:
        model = Backend
        fields: ClassVar = ["kind", "namespace", "name"]


class Backends(Listing[Backend]):
    filterset_class = BackendFilters
    answers_once = True

    def get_queryset(self) -> QuerySet[Backend]:
        return Backend.objects.prefetch_related("routes")

    def show(self, row: Backend) -> BackendOut:
        return backend_out(row)

    @extend_schema(responses=BackendsOut)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        return self.listed()

    @extend_schema(request=OpenApiTypes.OBJECT, responses={201: ChangedOut, 202: ChangedOut})
    def post(self, request: Request) -> Response:
        """Make a backend that is not there yet: a Backend of Envoy Gateway, or a Service with an address."""
        return answer_once(request, lambda: create(request, kinds=BACKENDS, target=None))


class _OneObject(APIView):
    answers_once = True
    kinds: ClassVar[tuple[str, ...]]

    def show(self, row: object) -> ApiModel:
        raise NotImplementedError

    def read_one(self, request: Request, kind: str, name: str) -> Response:
        row = selectors.get_row(self._ref(request, kind, name))
        return Conditions.of(request).answer(row, self.show(row).as_json())

    def write_one(self, request: Request, kind: str, name: str) -> Response:
        ref = self._ref(request, kind, name)
        return answer_once(request, lambda: put(request, ref, target=None))

    def delete_one(self, request: Request, kind: str, name: str) -> Response:
        ref = self._ref(request, kind, name)
        return answer_once(request, lambda: delete(request, ref))

    def _ref(self, request: Request, kind: str, name: str) -> ObjectRef:
        if kind not in self.kinds:
            raise NotFoundError(f"there is no kind {kind!r} here", hint=f"there is {', '.join(self.kinds)}")
        namespace = asked(PlaceAsked, request).namespace or DEFAULT_NAMESPACE
        return ObjectRef(kind=kind, namespace=namespace, name=name)


class OneRoute(_OneObject):
    kinds = ROUTES

    def show(self, row: object) -> RouteOut:
        assert isinstance(row, Route)  # noqa: S101
        return route_out(row)

    @extend_schema(parameters=[NAMESPACE, IF_NONE_MATCH, ETAG], responses={200: RouteOut, 304: None})
    def get(self, request: Request, kind: str, name: str) -> Response:
        return self.read_one(request, kind, name)

    @extend_schema(
        parameters=[NAMESPACE, IF_MATCH, IF_NONE_MATCH],
        request=OpenApiTypes.OBJECT,
        responses={200: ChangedOut, 202: ChangedOut},
    )
    def put(self, request: Request, kind: str, name: str) -> Response:
        """Make the route what the body says, a route of the Gateway API; a new one where there is none."""
        return self.write_one(request, kind, name)

    @extend_schema(parameters=[NAMESPACE, IF_MATCH], responses={200: ChangedOut, 202: ChangedOut})
    def delete(self, request: Request, kind: str, name: str) -> Response:
        return self.delete_one(request, kind, name)


class OneBackend(_OneObject):
    kinds = BACKENDS

    def show(self, row: object) -> BackendOut:
        assert isinstance(row, Backend)  # noqa: S101
        return backend_out(row)

    @extend_schema(parameters=[NAMESPACE, IF_NONE_MATCH, ETAG], responses={200: BackendOut, 304: None})
    def get(self, request: Request, kind: str, name: str) -> Response:
        return self.read_one(request, kind, name)

    @extend_schema(
        parameters=[NAMESPACE, IF_MATCH, IF_NONE_MATCH],
        request=OpenApiTypes.OBJECT,
        responses={200: ChangedOut, 202: ChangedOut},
    )
    def put(self, request: Request, kind: str, name: str) -> Response:
        """Make the backend what the body says; a new one where there is none."""
        return self.write_one(request, kind, name)

    @extend_schema(parameters=[NAMESPACE, IF_MATCH], responses={200: ChangedOut, 202: ChangedOut})
    def delete(self, request: Request, kind: str, name: str) -> Response:
        """One that no route uses."""
        return self.delete_one(request, kind, name)
