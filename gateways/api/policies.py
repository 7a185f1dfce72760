"""Objects of other kinds, kept for the runtimes whose engine reads them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from egx_project.rest.bodies import ApiModel
from egx_project.rest.listing import Listed, Listing
from gateways.models import Policy


class PolicyOut(ApiModel):
    kind: str
    namespace: str
    name: str
    manifest: dict[str, Any]


class PoliciesOut(Listed[PolicyOut]):
    pass


class PolicyFilters(FilterSet):
    class Meta:
        model = Policy
        fields: ClassVar = ["kind", "namespace", "name"]


class Policies(Listing[Policy]):
    filterset_class = PolicyFilters

    def get_queryset(self) -> QuerySet[Policy]:
        return Policy.objects.all()

    def show(self, row: Policy) -> PolicyOut:
        manifest = {"apiVersion": row.api_version, "kind": row.kind, **row.document()}
        return PolicyOut(kind=row.kind, namespace=row.namespace, name=row.name, manifest=manifest)

    @extend_schema(responses=PoliciesOut)
    def get(self, _request: Request) -> Response:
        return self.listed()
