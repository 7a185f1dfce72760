"""Path replacement (Gateway API: HTTPPathModifier), the same for URLRewrite and RequestRedirect."""

from __future__ import annotations

import re2

from deployments.drivers.process.xds.matching import path_value
from deployments.drivers.process.xds.resource import Resource
from gateways.spec.objects import PathMatch, PathModifier


def full_path(modifier: PathModifier) -> str:
    return _absolute(modifier.replace_full_path or "")


def rewritten(modifier: PathModifier, match: PathMatch) -> Resource:
    """The field of a RouteAction that replaces the path; the query stays."""
    if modifier.type == "ReplaceFullPath":
        return _regex("^/.*$", full_path(modifier))
    return replaced_prefix(modifier, match)


def replaced_prefix(modifier: PathModifier, match: PathMatch) -> Resource:
    """The field of a RouteAction or RedirectAction; see the table of HTTPPathModifier.replacePrefixMatch."""
    prefix = path_value(match)
    replacement = _absolute(modifier.replace_prefix_match or "").rstrip("/")
    if prefix == "/":
        return {"prefix_rewrite": f"{replacement}/"}
    if not replacement:
        # prefix_rewrite to "/" would make /foo/bar //bar (Envoy issue 26055), and to "" make /foo nothing.
        return _regex(f"^{re2.escape(prefix)}/*", "/")
    return {"prefix_rewrite": replacement}


def _absolute(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def _regex(pattern: str, substitution: str) -> Resource:
    literal = substitution.replace("\\", "\\\\")
    return {"regex_rewrite": {"pattern": {"regex": pattern}, "substitution": literal}}
