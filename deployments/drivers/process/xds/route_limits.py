"""What of an HTTPRoute this runtime cannot do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from deployments.drivers.process.xds.limits import Path, Refuser
from gateways.spec.base import Problem
from gateways.spec.objects import (
    ENVOY_GATEWAY,
    GATEWAY_API,
    PATH_CHARACTERS,
    Backend,
    Gateway,
    HeaderModifier,
    HTTPBackendRef,
    HTTPRoute,
    HTTPRouteFilter,
    HTTPRouteMatch,
    HTTPRouteRule,
    PathModifier,
    Service,
)

Level = Literal["rule", "backendRef"]

RULE_FILTERS = {"RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite"}
BACKEND_FILTERS = {"RequestHeaderModifier", "ResponseHeaderModifier"}
BACKEND_KINDS = {("", Service.KIND), (ENVOY_GATEWAY, Backend.KIND)}


def route_refusals(route: HTTPRoute) -> Iterable[Problem]:
    say = Refuser(route.ref)
    for index, parent in enumerate(route.spec.parent_refs):
        if (parent.group, parent.kind) != (GATEWAY_API, Gateway.KIND):
            hint = "name a Gateway"
            yield say.cannot(f"parent kind {parent.kind}", ("spec", "parentRefs", index), hint=hint)
    if route.spec.use_default_gateways not in {None, "None"}:
        yield say.cannot("useDefaultGateways", ("spec", "useDefaultGateways"), hint="name the Gateway in parentRefs")
    for index, rule in enumerate(route.spec.rules):
        yield from _rule(rule, route, say, ("spec", "rules", index))


def _rule(rule: HTTPRouteRule, route: HTTPRoute, say: Refuser, path: Path) -> Iterable[Problem]:
    yield from say.each_set((("retry", rule.retry), ("sessionPersistence", rule.session_persistence)), path)
    yield from say.each_set((("backendRequest", rule.timeouts.backend_request),), (*path, "timeouts"))
    for index, match in enumerate(rule.matches):
        yield from _match(match, say, (*path, "matches", index))
    yield from _filters(rule.filters, "rule", say, path)
    for index, backend in enumerate(rule.backend_refs):
        yield from _backend(backend, route, say, (*path, "backendRefs", index))


def _match(match: HTTPRouteMatch, say: Refuser, path: Path) -> Iterable[Problem]:
    if match.method == "CONNECT":
        hint = "Envoy takes CONNECT for a tunnel, which no route of the API asks for"
        yield say.cannot("matching method CONNECT", (*path, "method"), hint=hint)
    if match.path.type == "RegularExpression" and not match.path.value:
        message = "an empty regular expression matches no path"
        yield say.problem(message, (*path, "path", "value"), hint="use .* for every path")


def _backend(backend: HTTPBackendRef, route: HTTPRoute, say: Refuser, path: Path) -> Iterable[Problem]:
    if (backend.group, backend.kind) not in BACKEND_KINDS:
        hint = f"name a Service, or a Backend of group {ENVOY_GATEWAY}"
        yield say.cannot(f"backend kind {backend.kind} ({backend.group or 'core'})", (*path, "kind"), hint=hint)
    if backend.namespace not in {None, route.metadata.namespace}:
        # Allowed only by a ReferenceGrant in that namespace, and there is no such thing to read.
        hint = "put the backend in the route's namespace; ReferenceGrants cannot be read yet"
        yield say.cannot("a backend in another namespace", (*path, "namespace"), hint=hint)
    yield from _filters(backend.filters, "backendRef", say, path)


def _filters(filters: Sequence[HTTPRouteFilter], level: Level, say: Refuser, path: Path) -> Iterable[Problem]:
    can = RULE_FILTERS if level == "rule" else BACKEND_FILTERS
    for index, filter_ in enumerate(filters):
        place = (*path, "filters", index)
        if filter_.type not in can:
            where = "" if level == "rule" else " of a backendRef"
            hint = "put it on the rule" if filter_.type in RULE_FILTERS else ""
            yield say.cannot(f"filter {filter_.type}{where}", (*place, "type"), **({"hint": hint} if hint else {}))
        elif [each.type for each in filters].index(filter_.type) != index:
            message = f"a second filter {filter_.type}: each type may be there once"
            yield say.problem(message, place, hint="put them together into one")
        yield from _modifier(filter_.request_header_modifier, say, (*place, "requestHeaderModifier"))
        yield from _modifier(filter_.response_header_modifier, say, (*place, "responseHeaderModifier"))
        if filter_.url_rewrite is not None:
            yield from _replacement(filter_.url_rewrite.path, say, (*place, "urlRewrite", "path"))
        if filter_.request_redirect is not None:
            yield from _replacement(filter_.request_redirect.path, say, (*place, "requestRedirect", "path"))


def _modifier(modifier: HeaderModifier | None, say: Refuser, path: Path) -> Iterable[Problem]:
    """HTTPHeaderFilter: one action for a header; and Envoy lets no one touch Host this way."""
    if modifier is None:
        return
    named = [
        *((header.name, (*path, "set", index, "name")) for index, header in enumerate(modifier.set)),
        *((header.name, (*path, "add", index, "name")) for index, header in enumerate(modifier.add)),
        *((name, (*path, "remove", index)) for index, name in enumerate(modifier.remove)),
    ]
    seen: set[str] = set()
    for name, place in named:
        if name.lower() == "host":
            yield say.cannot("a header modifier for Host", place, hint="use URLRewrite with hostname")
        elif name.lower() in seen:
            hint = "one action for each header; separate several values by commas"
            yield say.problem(f"header {name} is modified twice", place, hint=hint)
        seen.add(name.lower())


def _replacement(modifier: PathModifier | None, say: Refuser, path: Path) -> Iterable[Problem]:
    if modifier is None:
        return
    for field, value in (
        ("replaceFullPath", modifier.replace_full_path),
        ("replacePrefixMatch", modifier.replace_prefix_match),
    ):
        if value is not None and not PATH_CHARACTERS.fullmatch(value):
            message = f"{value!r} has characters that a path cannot have"
            yield say.problem(message, (*path, field), hint="percent-encode them; a query cannot be replaced")
