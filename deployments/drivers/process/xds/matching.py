"""HTTPRouteMatch as Envoy's RouteMatch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from deployments.drivers.process.xds.resource import Resource
from gateways.spec.objects import HeaderMatch, HTTPRouteMatch, PathMatch, QueryParamMatch

Match = TypeVar("Match", HeaderMatch, QueryParamMatch)


def route_match(match: HTTPRouteMatch, *, also: Iterable[Resource] = ()) -> Resource:
    """`also` are further header conditions."""
    headers = [_header(header) for header in effective_headers(match)]
    if match.method is not None:
        headers.append({"name": ":method", "string_match": {"exact": match.method}})
    headers += also
    query_params = [{"name": param.name, "string_match": _string(param)} for param in effective_query_params(match)]
    return {
        **_path(match.path),
        **({"headers": headers} if headers else {}),
        **({"query_parameters": query_params} if query_params else {}),
    }


def path_value(path: PathMatch) -> str:
    """The path to compare with: the trailing slash of a prefix does not count (HTTPPathMatch)."""
    return path.value.rstrip("/") or "/" if path.type == "PathPrefix" else path.value


def effective_headers(match: HTTPRouteMatch) -> list[HeaderMatch]:
    """Of entries with one name, compared without case, only the first counts (HTTPHeaderMatch.name)."""
    return _first_of_each((header.name.lower(), header) for header in match.headers)


def effective_query_params(match: HTTPRouteMatch) -> list[QueryParamMatch]:
    """Of entries with one name only the first counts (HTTPQueryParamMatch.name)."""
    return _first_of_each((param.name, param) for param in match.query_params)


def _first_of_each(named: Iterable[tuple[str, Match]]) -> list[Match]:
    found: dict[str, Match] = {}
    for name, match in named:
        found.setdefault(name, match)
    return list(found.values())


def _path(path: PathMatch) -> Resource:
    value = path_value(path)
    if path.type == "Exact":
        return {"path": value}
    if path.type == "RegularExpression":
        return {"safe_regex": {"regex": value}}
    # path_separated_prefix matches whole path elements, as the API means; Envoy does not take "/" there.
    return {"prefix": "/"} if value == "/" else {"path_separated_prefix": value}


def _header(header: HeaderMatch) -> Resource:
    return {"name": header.name.lower(), "string_match": _string(header)}


def _string(match: HeaderMatch | QueryParamMatch) -> Resource:
    if match.type == "RegularExpression":
        return {"safe_regex": {"regex": match.value}}
    return {"exact": match.value}
