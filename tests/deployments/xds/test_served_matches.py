"""Matches and their precedence, as a real Envoy serves them (Gateway API: HTTPRouteMatch, HTTPRouteRule)."""

from __future__ import annotations

import pytest

from tests.deployments.xds.builders import Yaml, exact, prefix, regex, route, to
from tests.deployments.xds.conftest import Serve

pytestmark = pytest.mark.envoy


@pytest.mark.parametrize(
    ("match", "path", "matches"),
    [
        (exact("/abc"), "/abc", True),
        (exact("/abc"), "/abc?q=1", True),
        (exact("/abc"), "/abc/", False),
        (exact("/abc"), "/Abc", False),
        (exact("/abc"), "/abcd", False),
        (exact("/abc/"), "/abc/", True),
        (exact("/abc/"), "/abc", False),
        (prefix("/abc"), "/abc", True),
        (prefix("/abc"), "/abc/", True),
        (prefix("/abc"), "/abc/def", True),
        (prefix("/abc"), "/abc?q=1", True),
        (prefix("/abc"), "/abcd", False),
        (prefix("/abc"), "/ABC", False),
        (prefix("/abc/"), "/abc", True),
        (prefix("/abc/"), "/abc/def", True),
        (prefix("/abc/"), "/abcd", False),
        (prefix("/"), "/", True),
        (prefix("/"), "/any/thing", True),
        (regex("/v[12]/.*"), "/v1/x", True),
        (regex("/v[12]/.*"), "/v3/x", False),
        (regex("/v[12]"), "/v1/x", False),
        (regex("/v[12]"), "/v1?q=1", True),
    ],
)
def test_a_path_matches_as_the_api_says(serve: Serve, match: Yaml, path: str, *, matches: bool) -> None:
    slot = serve(route(to("v1", matches=[match])))

    assert slot.ask(path).outcome == ("v1" if matches else 404)


@pytest.mark.parametrize(
    ("headers", "sent", "matches"),
    [
        ([{"name": "Version", "value": "two"}], {"version": "two"}, True),
        ([{"name": "Version", "value": "two"}], {"version": "Two"}, False),
        ([{"name": "Version", "value": "two"}], {}, False),
        ([{"name": "a", "value": "1"}, {"name": "b", "value": "2"}], {"a": "1"}, False),
        ([{"name": "a", "value": "1"}, {"name": "b", "value": "2"}], {"a": "1", "b": "2"}, True),
        ([{"name": "a", "value": "1"}, {"name": "A", "value": "2"}], {"a": "1"}, True),
        ([{"type": "RegularExpression", "name": "v", "value": "[0-9]+"}], {"v": "42"}, True),
        ([{"type": "RegularExpression", "name": "v", "value": "[0-9]+"}], {"v": "42x"}, False),
    ],
)
def test_headers_match_as_the_api_says(
    serve: Serve, headers: list[Yaml], sent: dict[str, str], *, matches: bool
) -> None:
    slot = serve(route(to("v1", matches=[{"headers": headers}])))

    assert slot.ask("/", headers=sent).outcome == ("v1" if matches else 404)


@pytest.mark.parametrize(
    ("params", "path", "matches"),
    [
        ([{"name": "animal", "value": "whale"}], "/?animal=whale", True),
        ([{"name": "animal", "value": "whale"}], "/?animal=dolphin", False),
        ([{"name": "animal", "value": "whale"}], "/?Animal=whale", False),
        ([{"name": "animal", "value": "whale"}], "/?animal=whale&animal=dolphin", True),
        ([{"name": "animal", "value": "whale"}], "/?x=1&animal=whale", True),
        ([{"name": "a", "value": "1"}, {"name": "b", "value": "2"}], "/?a=1", False),
        ([{"name": "a", "value": "1"}, {"name": "a", "value": "2"}], "/?a=1", True),
        ([{"type": "RegularExpression", "name": "a", "value": "x+"}], "/?a=xx", True),
        ([{"type": "RegularExpression", "name": "a", "value": "x+"}], "/?a=xxy", False),
    ],
)
def test_query_parameters_match_as_the_api_says(serve: Serve, params: list[Yaml], path: str, *, matches: bool) -> None:
    slot = serve(route(to("v1", matches=[{"queryParams": params}])))

    assert slot.ask(path).outcome == ("v1" if matches else 404)


def test_a_method_match_lets_only_that_method_in(serve: Serve) -> None:
    slot = serve(route(to("v1", matches=[{"method": "POST"}])))

    assert slot.ask("/", method="POST").outcome == "v1"
    assert slot.ask("/").outcome == 404


def test_any_of_a_rules_matches_is_enough_and_all_of_a_match_must_hold(serve: Serve) -> None:
    both = {**prefix("/foo"), "headers": [{"name": "version", "value": "v2"}]}
    slot = serve(route(to("v1", matches=[both, prefix("/v2/foo")])))

    assert slot.ask("/foo", headers={"version": "v2"}).outcome == "v1"
    assert slot.ask("/v2/foo").outcome == "v1"
    assert slot.ask("/foo").outcome == 404


def test_the_more_specific_match_wins_whatever_the_order_of_the_rules(serve: Serve) -> None:
    versioned = {**prefix("/api"), "headers": [{"name": "version", "value": "2"}]}
    slot = serve(
        route(to("v1", matches=[prefix("/")])),
        route(to("v2", matches=[prefix("/api")]), name="api"),
        route(to("v3", matches=[versioned, exact("/")]), name="special"),
    )

    assert slot.ask("/other").outcome == "v1"
    assert slot.ask("/").outcome == "v3"
    assert slot.ask("/api/x").outcome == "v2"
    assert slot.ask("/api/x", headers={"version": "2"}).outcome == "v3"


def test_a_long_regular_expression_is_served(serve: Serve) -> None:
    """Envoy on its own refuses programs of more than 100 instructions."""
    long = "/" + "".join(f"[a-c{letter}]{{1,9}}" for letter in "defghijklmnopqrstuvw")
    slot = serve(route(to("v1", matches=[regex(long)])))

    assert slot.ask("/" + "a" * 20).outcome == "v1"


def test_a_gateway_without_routes_answers_404(serve: Serve) -> None:
    assert serve().ask("/").outcome == 404
