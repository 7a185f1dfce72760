"""Path replacement, with Envoy's side of it acted out (the served tests ask Envoy itself)."""

from __future__ import annotations

import pytest
import re2

from deployments.drivers.process.xds.paths import replaced_prefix, rewritten
from deployments.drivers.process.xds.resource import Resource
from gateways.spec.objects import PathMatch, PathModifier
from tests.deployments.xds.tables import REPLACED_PATHS, REPLACED_PREFIXES


def modifier(**fields: str) -> PathModifier:
    (type_,) = fields
    return PathModifier.model_validate({"type": type_[0].upper() + type_[1:], **fields})


def done(field: Resource, target: str, matched: str) -> str:
    """What Envoy does with the field, for a request that its route has matched."""
    path, question, query = target.partition("?")
    if "prefix_rewrite" in field:
        path = field["prefix_rewrite"] + path[len(matched) :]
    else:
        rewrite = field["regex_rewrite"]
        path = str(re2.sub(rewrite["pattern"]["regex"], rewrite["substitution"], path))
    return f"{path}{question}{query}"


@pytest.mark.parametrize(("target", "match", "replacement", "becomes"), REPLACED_PREFIXES)
def test_a_prefix_is_replaced_by_whole_elements(target: str, match: str, replacement: str, becomes: str) -> None:
    path = PathMatch(value=match)
    field = replaced_prefix(modifier(replacePrefixMatch=replacement), path)

    assert done(field, target, match.rstrip("/") or "/") == becomes


@pytest.mark.parametrize(("target", "replacement", "becomes"), REPLACED_PATHS)
def test_a_full_path_is_replaced_and_its_query_stays(target: str, replacement: str, becomes: str) -> None:
    field = rewritten(modifier(replaceFullPath=replacement), PathMatch())

    assert done(field, target, "/") == becomes
