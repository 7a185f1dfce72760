"""The list of gateways costs the same number of queries however many there are."""

from __future__ import annotations

from typing import Any, cast

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIRequestFactory, force_authenticate

from deployments.api.gateways import Gateways
from egx_project.access.roles import SocketUser
from gateways.models import Target
from tests import builders

pytestmark = pytest.mark.django_db


def _many(first: int, last: int, target: Target) -> None:
    text = "".join(
        f"---\n{builders.gateway_yaml(f'g{n}', ports=(9000 + n,))}"
        + builders.route_yaml(f"r{n}", gateway=f"g{n}", with_backend=n == first)
        for n in range(first, last)
    )
    builders.apply(text, target=target)


def _listed() -> tuple[int, int]:
    """How many gateways the API lists, and by how many queries."""
    request = APIRequestFactory().get("/api/v1/gateways")
    force_authenticate(request, user=cast("Any", SocketUser()))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = Gateways.as_view()(request)
    return len(answer.data["items"]), len(queries)


def test_the_list_of_gateways_costs_a_constant_number_of_queries() -> None:
    target = builders.fake_target()
    _many(0, 2, target)
    few = _listed()
    _many(2, 40, target)
    many = _listed()
    assert (few[0], many[0]) == (2, 40)
    assert few[1] == many[1]
