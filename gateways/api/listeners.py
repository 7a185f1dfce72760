"""Listeners of all gateways."""

from __future__ import annotations

from typing import ClassVar

import django_filters
from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from egx_project.rest.bodies import ApiModel
from egx_project.rest.listing import Listed, Listing
from gateways.models import Listener


class ListenerOut(ApiModel):
    gateway: str
    namespace: str
    name: str
    port: int
    protocol: str
    hostname: str


class ListenersOut(Listed[ListenerOut]):
    pass


class ListenerFilters(FilterSet):
    gateway = django_filters.CharFilter(field_name="gateway__name")
    namespace = django_filters.CharFilter(field_name="gateway__namespace")
    port = django_filters.NumberFilter(field_name="port__number")

    class Meta:
        model = Listener
        fields: ClassVar = ["name", "protocol", "hostname"]


class Listeners(Listing[Listener]):
    filterset_class = ListenerFilters

    def get_queryset(self) -> QuerySet[Listener]:
        found = Listener.objects.select_related("gateway", "port")
        return found.order_by("gateway__namespace", "gateway__name", "position")

    def show(self, row: Listener) -> ListenerOut:
        return ListenerOut(
            gateway=row.gateway.name,
            namespace=row.gateway.namespace,
            name=row.name,
            port=row.port.number,
            protocol=row.protocol,
            hostname=row.hostname,
        )

    @extend_schema(responses=ListenersOut)
    def get(self, _request: Request) -> Response:
        return self.listed()
