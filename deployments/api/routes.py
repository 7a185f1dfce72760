"""Routes, and the backends that they send traffic to."""

from __future__ import annotations

from typing import ClassVar, TypeVar, cast

import django_filters
from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
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
from gateways.models import Backend, ManifestRow, Route
from gateways.spec import objects
from gateways.spec.base import ObjectRef

ROUTES = (objects.HTTPRoute.KIND,)
BACKENDS = selectors.BACKEND_KINDS
Row = TypeVar("Row", Route, Backend)


READ = [NAMESPACE, IF_NONE_MATCH, ETAG]


class RouteFilters(FilterSet):
    gateway = django_filters.CharFilter(field_name="gateways__name", distinct=True)

    class Meta:
        model = Route
        fields: ClassVar = ["kind", "namespace", "name"]


class BackendFilters(FilterSet):
    class Meta:
        model = Backend
        fields: ClassVar = ["kind", "namespace", "name"]


class _Objects(Listing[Row]):
    answers_once = True
    kinds: ClassVar[tuple[str, ...]]

    def get(self, _request: Request) -> Response:
        return self.listed()

    @extend_schema(request=OpenApiTypes.OBJECT, responses={201: ChangedOut, 202: ChangedOut})
    def post(self, request: Request) -> Response:
        """Make one that is not there yet. The body is the object."""
        return answer_once(request, lambda: create(request, kinds=self.kinds, target=None))


class _OneObject(APIView):
    answers_once = True
    kinds: ClassVar[tuple[str, ...]]

    def show(self, row: ManifestRow) -> ApiModel:
        raise NotImplementedError

    def get(self, request: Request, kind: str, name: str) -> Response:
        row = selectors.get_row(self._ref(request, kind, name))
        return Conditions.of(request).answer(row, self.show(row).as_json())

    @extend_schema(
        parameters=[NAMESPACE, IF_MATCH, IF_NONE_MATCH],
        request=OpenApiTypes.OBJECT,
        responses={200: ChangedOut, 202: ChangedOut},
    )
    def put(self, request: Request, kind: str, name: str) -> Response:
        """Make it what the body says, the object itself; a new one where there is none."""
        ref = self._ref(request, kind, name)
        return answer_once(request, lambda: put(request, ref, target=None))

    @extend_schema(parameters=[NAMESPACE, IF_MATCH], responses={200: ChangedOut, 202: ChangedOut})
    def delete(self, request: Request, kind: str, name: str) -> Response:
        """Delete it. A backend that a route uses is refused."""
        ref = self._ref(request, kind, name)
        return answer_once(request, lambda: delete(request, ref))

    def _ref(self, request: Request, kind: str, name: str) -> ObjectRef:
        if kind not in self.kinds:
            raise NotFoundError(f"there is no kind {kind!r} here", hint=f"there is {', '.join(self.kinds)}")
        namespace = asked(PlaceAsked, request).namespace or DEFAULT_NAMESPACE
        return ObjectRef(kind=kind, namespace=namespace, name=name)


@extend_schema_view(get=extend_schema(responses=RoutesOut))
class Routes(_Objects[Route]):
    kinds = ROUTES
    filterset_class = RouteFilters

    def get_queryset(self) -> QuerySet[Route]:
        return Route.objects.prefetch_related("gateways")

    def show(self, row: Route) -> RouteOut:
        return route_out(row)


@extend_schema_view(get=extend_schema(parameters=READ, responses={200: RouteOut, 304: None}))
class OneRoute(_OneObject):
    kinds = ROUTES

    def show(self, row: ManifestRow) -> RouteOut:
        return route_out(cast("Route", row))


@extend_schema_view(get=extend_schema(responses=BackendsOut))
class Backends(_Objects[Backend]):
    kinds = BACKENDS
    filterset_class = BackendFilters

    def get_queryset(self) -> QuerySet[Backend]:
        return Backend.objects.prefetch_related("routes")

    def show(self, row: Backend) -> BackendOut:
        return backend_out(row)


@extend_schema_view(get=extend_schema(parameters=READ, responses={200: BackendOut, 304: None}))
class OneBackend(_OneObject):
    kinds = BACKENDS

    def show(self, row: ManifestRow) -> BackendOut:
        return backend_out(cast("Backend", row))
