"""Which of several matches wins (Gateway API: HTTPRouteRule.matches). Each case: the first beats the second."""

from __future__ import annotations

import pytest

from deployments.drivers.process.xds.precedence import Candidate, candidates, precedence
from gateways.spec.snapshot import AttachedRoute
from tests.deployments.xds.builders import Yaml, exact, prefix, regex, route, to


def headers(*names: str) -> Yaml:
    return {"headers": [{"name": name, "value": "x"} for name in names]}


def params(*names: str) -> Yaml:
    return {"queryParams": [{"name": name, "value": "x"} for name in names]}


GET: Yaml = {"method": "GET"}


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        pytest.param(exact("/a"), prefix("/a/longer/path"), id="exact before a longer prefix"),
        pytest.param(exact("/a"), regex("/a/much/longer/expression.*"), id="exact before regex"),
        pytest.param(regex("/a"), prefix("/a/longer"), id="regex before prefix, as Envoy Gateway"),
        pytest.param(regex("/a.*"), regex("/a"), id="the longer regex"),
        pytest.param(prefix("/aa"), prefix("/a"), id="the longer prefix"),
        pytest.param(prefix("/a"), prefix("/"), id="any prefix before /"),
        pytest.param(prefix("/ab"), {**prefix("/a/"), **GET}, id="a trailing slash adds no length"),
        pytest.param(exact("/a"), {**prefix("/a"), **GET, **headers("h")}, id="path before all else"),
        pytest.param(GET, headers("h", "i"), id="method before headers"),
        pytest.param(headers("h", "i"), headers("h"), id="more headers"),
        pytest.param(headers("h"), params("q", "r"), id="headers before query parameters"),
        pytest.param({**headers("h"), **params("q")}, headers("h"), id="query parameters break the tie"),
        pytest.param(params("q", "r"), params("q"), id="more query parameters"),
        pytest.param(headers("h", "i"), headers("h", "H"), id="a header named twice counts once"),
        pytest.param(params("q", "Q"), params("q", "q"), id="parameter names differ by case"),
    ],
)
def test_the_more_specific_match_wins(winner: Yaml, loser: Yaml) -> None:
    # The loser is older, and its name comes first: neither helps.
    strong = route(to("v1", matches=[winner]), name="b", age=0)
    weak = route(to("v1", matches=[loser]), name="a", age=60)

    assert _order(weak, strong)[0].attached is strong


def test_of_equal_matches_the_older_route_wins() -> None:
    young, old = route(to("v1"), name="a", age=1), route(to("v1"), name="b", age=2)

    assert _order(young, old)[0].attached is old


def test_of_equal_matches_of_one_age_the_name_with_its_namespace_decides() -> None:
    routes = [
        route(to("v1"), name="a", namespace="b"),
        route(to("v1"), name="b", namespace="a"),
        route(to("v1"), name="a", namespace="a"),
    ]

    names = [str(found.attached.route.ref) for found in _order(*routes)]

    assert names == ["HTTPRoute a/a", "HTTPRoute a/b", "HTTPRoute b/a"]


def test_within_a_route_the_first_rule_and_its_first_match_win() -> None:
    rule = to("v1", matches=[prefix("/a"), prefix("/a")])
    found = _order(route(rule, rule))

    assert [(each.rule_index, each.match_index) for each in found] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_a_rule_without_matches_matches_every_path() -> None:
    (found,) = candidates(route(to("v1", matches=[])))

    assert found.match.path.value == "/"
    assert found.match.path.type == "PathPrefix"


def _order(*routes: AttachedRoute) -> list[Candidate]:
    found = [candidate for each in routes for candidate in candidates(each)]
    found.reverse()
    return sorted(found, key=precedence)
