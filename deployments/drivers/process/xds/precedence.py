"""Which match wins (Gateway API: HTTPRouteRule.matches)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from deployments.drivers.process.xds.matching import effective_headers, effective_query_params, path_value
from gateways.spec.objects import HTTPRouteMatch, HTTPRouteRule
from gateways.spec.snapshot import AttachedRoute

PATH_TYPES = {"Exact": 0, "RegularExpression": 1, "PathPrefix": 2}
"""The API leaves the place of regular expressions open; Envoy Gateway has them here, and runtimes agree."""


@dataclass(frozen=True)
class Candidate:
    """One match of one rule of one route."""

    attached: AttachedRoute
    rule_index: int
    match_index: int
    rule: HTTPRouteRule
    match: HTTPRouteMatch

    @property
    def name(self) -> str:
        """For Envoy's logs and dumps."""
        place = self.attached.route.metadata
        return f"{place.namespace}/{place.name}/rule/{self.rule_index}/match/{self.match_index}"


def candidates(attached: AttachedRoute) -> Iterable[Candidate]:
    for rule_index, rule in enumerate(attached.route.spec.rules or (HTTPRouteRule(),)):
        for match_index, match in enumerate(rule.matches or (HTTPRouteMatch(),)):
            yield Candidate(attached, rule_index, match_index, rule, match)


def precedence(candidate: Candidate) -> tuple[Any, ...]:
    """Smaller wins."""
    match, place = candidate.match, candidate.attached.route.metadata
    return (
        PATH_TYPES[match.path.type],
        -len(path_value(match.path)),
        match.method is None,
        -len(effective_headers(match)),
        -len(effective_query_params(match)),
        candidate.attached.created_at,
        f"{place.namespace}/{place.name}",
        candidate.rule_index,
        candidate.match_index,
    )
