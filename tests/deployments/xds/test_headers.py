"""Header modifiers of a rule and of its backendRef, put together (Gateway API: HTTPHeaderFilter)."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.drivers.process.xds.headers import header_fields
from gateways.spec.objects import HTTPRouteFilter
from tests.deployments.xds.builders import Yaml


def request_filter(**actions: Any) -> HTTPRouteFilter:
    written = {"type": "RequestHeaderModifier", "requestHeaderModifier": actions}
    return HTTPRouteFilter.model_validate(written)


def pair(name: str, value: str) -> Yaml:
    return {"name": name, "value": value}


def actions(*filters: HTTPRouteFilter) -> list[str]:
    """In short: `name=value` overwrites, `name+value` adds, `-name` removes."""
    fields = header_fields(filters)
    signs = {"OVERWRITE_IF_EXISTS_OR_ADD": "=", "APPEND_IF_EXISTS_OR_ADD": "+"}
    added = [
        f"{option['header']['key']}{signs[option['append_action']]}{option['header']['value']}"
        for option in fields.get("request_headers_to_add", ())
    ]
    return added + [f"-{name}" for name in fields.get("request_headers_to_remove", ())]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"set": [pair("A", "1")]}, {}, ["a=1"]),
        ({"add": [pair("A", "1")]}, {}, ["a+1"]),
        ({"remove": ["A"]}, {}, ["-a"]),
        ({"set": [pair("A", "1")]}, {"set": [pair("a", "2")]}, ["a=2"]),
        ({"set": [pair("A", "1")]}, {"add": [pair("a", "2")]}, ["a=1", "a+2"]),
        ({"set": [pair("A", "1")]}, {"remove": ["a"]}, ["-a"]),
        ({"add": [pair("A", "1")]}, {"add": [pair("a", "2")]}, ["a+1", "a+2"]),
        ({"add": [pair("A", "1")]}, {"set": [pair("a", "2")]}, ["a=2"]),
        ({"add": [pair("A", "1")]}, {"remove": ["a"]}, ["-a"]),
        ({"remove": ["A"]}, {"add": [pair("a", "2")]}, ["a=2"]),
        ({"remove": ["A"]}, {"set": [pair("b", "2")]}, ["b=2", "-a"]),
    ],
)
def test_the_second_modifier_acts_on_what_the_first_left(first: Yaml, second: Yaml, expected: list[str]) -> None:
    assert actions(request_filter(**first), request_filter(**second)) == expected


def test_a_percent_sign_is_a_percent_sign() -> None:
    assert actions(request_filter(set=[pair("a", "%REQ(x)% 100%")])) == ["a=%%REQ(x)%% 100%%"]


def test_requests_and_responses_have_their_own_fields() -> None:
    response = HTTPRouteFilter.model_validate(
        {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"remove": ["server"]}}
    )

    assert header_fields([response]) == {"response_headers_to_remove": ["server"]}
    assert header_fields([]) == {}
