"""Lists: filtered, paged, and strict about what they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django_filters.rest_framework import DjangoFilterBackend, FilterSet
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response

from egx_project.lib.errors import BadInputError
from egx_project.rest.bodies import ApiModel

Row = TypeVar("Row", bound=Model)
Shown = TypeVar("Shown", bound=ApiModel)

PAGING = frozenset({"limit", "offset"})


class Listed(ApiModel, Generic[Shown]):
    items: list[Shown]
    total: int
    """How many there are on all pages."""
    next: str | None
    """Where the next page is."""


class Pages(LimitOffsetPagination):
    default_limit = 100
    max_limit = 1000

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:  # noqa: ANN401
        for name in PAGING & set(request.query_params):
            value = request.query_params[name]
            if not (value.isascii() and value.isdigit() and len(value) < 10):  # noqa: PLR2004
                raise BadInputError(f"{name} is a number, not {value[:50]!r}")
        return super().paginate_queryset(queryset, request, view)

    def get_paginated_response(self, data: Any) -> Response:  # noqa: ANN401
        return Response({"items": data, "total": self.count, "next": self.get_next_link()})


class Filters(DjangoFilterBackend):
    """django-filter's, but a parameter that is not known is an error, since it would filter nothing."""

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:  # noqa: ANN401
        found: type[FilterSet] | None = self.get_filterset_class(view, queryset)
        known = PAGING | set(found.base_filters if found else ())
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            raise BadInputError(f"there is no parameter {unknown[0][:50]!r}", hint=f"one of {', '.join(sorted(known))}")
        try:
            return super().filter_queryset(request, queryset, view)
        except ValidationError as error:
            raise BadInputError(_said(error.detail)) from None


def _said(detail: object) -> str:
    if isinstance(detail, dict):
        return "; ".join(f"{name}: {_said(value)}" for name, value in detail.items())
    return " ".join(map(str, detail)) if isinstance(detail, list) else str(detail)


class Listing(GenericAPIView[Row]):
    """A list of rows, each as `show` gives it."""

    pagination_class = Pages
    filter_backends = (Filters,)

    def show(self, row: Row) -> ApiModel:
        raise NotImplementedError

    def listed(self) -> Response:
        rows: QuerySet[Row] = self.filter_queryset(self.get_queryset())
        page: Sequence[Row] = self.paginate_queryset(rows) or []
        return self.get_paginated_response([self.show(row).as_json() for row in page])
