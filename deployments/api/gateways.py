"""Gateways: what is desired of them, how they are, and what would be done."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import selectors, services
from deployments.api.conditions import Conditions
from deployments.api.objects import DEFAULT_NAMESPACE, PlaceAsked, WriteAsked, create, put
from deployments.api.parameters import ETAG, IF_MATCH, IF_NONE_MATCH, NAMESPACE, TARGET
from deployments.api.shown import ChangedOut, GatewayOut, GatewaysOut, changed, gateway_out
from deployments.applying import Outcome
from deployments.selectors import GatewayState
from egx_project.rest.answers import Made, answer_once
from egx_project.rest.bodies import asked
from egx_project.rest.listing import Listing
from gateways import selectors as desired
from gateways.models import Gateway
from gateways.spec import objects
from gateways.spec.base import ObjectRef

KIND = objects.Gateway.KIND


class GatewayFilters(FilterSet):
    target = django_filters.CharFilter(field_name="target__name")
    state = django_filters.ChoiceFilter(choices=GatewayState.choices)

    class Meta:
        model = Gateway
        fields: ClassVar = ["name", "namespace"]


class Gateways(Listing[Gateway]):
    filterset_class = GatewayFilters
    answers_once = True

    def get_queryset(self) -> QuerySet[Gateway]:
        return selectors.with_deployments(desired.gateways())

    def show(self, row: Gateway) -> GatewayOut:
        return gateway_out(row)

    @extend_schema(responses=GatewaysOut)
    def get(self, _request: Request) -> Response:
        return self.listed()

    @extend_schema(parameters=[TARGET], request=OpenApiTypes.OBJECT, responses={201: ChangedOut, 202: ChangedOut})
    def post(self, request: Request) -> Response:
        """Make a gateway that is not there yet. The body is a Gateway of the Gateway API."""
        target = asked(WriteAsked, request).target
        return answer_once(request, lambda: create(request, kinds=(KIND,), target=target))


class OneGateway(APIView):
    answers_once = True

    @extend_schema(parameters=[NAMESPACE, IF_NONE_MATCH, ETAG], responses={200: GatewayOut, 304: None})
    def get(self, request: Request, name: str) -> Response:
        gateway = _find(request, name)
        return Conditions.of(request).answer(gateway, gateway_out(gateway).as_json())

    @extend_schema(
        parameters=[NAMESPACE, TARGET, IF_MATCH, IF_NONE_MATCH],
        request=OpenApiTypes.OBJECT,
        responses={200: ChangedOut, 202: ChangedOut},
    )
    def put(self, request: Request, name: str) -> Response:
        """Make the gateway what the body says, a Gateway of the Gateway API; a new one where there is none."""
        query = asked(WriteAsked, request)
        ref = ObjectRef(kind=KIND, namespace=query.namespace or DEFAULT_NAMESPACE, name=name)
        return answer_once(request, lambda: put(request, ref, target=query.target))

    @extend_schema(parameters=[NAMESPACE, IF_MATCH], responses={202: ChangedOut})
    def delete(self, request: Request, name: str) -> Response:
        """Stop the gateway and remove it, with the routes that only it had."""

        def make() -> Made:
            gateway = desired.find_gateway(name, namespace=asked(PlaceAsked, request).namespace)
            operation = services.request_remove(
                gateway=gateway,
                by=str(request.user),
                condition=partial(Conditions.of(request).check, gateway.ref),
            )
            return changed(Outcome(operations=[operation]))

        return answer_once(request, make)


def _find(request: Request, name: str) -> Gateway:
    """With all that is shown of it."""
    namespace = asked(PlaceAsked, request).namespace
    return desired.find_gateway(name, namespace=namespace, among=selectors.with_deployments(desired.gateways()))


def gateways_json() -> list[dict[str, Any]]:
    """All, as the list shows them."""
    return [gateway_out(gateway).as_json() for gateway in selectors.with_deployments(desired.gateways())]
