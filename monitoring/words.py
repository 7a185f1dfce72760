"""Routes and events in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from egx_project.events.kinds import EventKind
from gateways.spec.objects import (
    HTTPBackendRef,
    HTTPRoute,
    HTTPRouteFilter,
    HTTPRouteMatch,
    HTTPRouteRule,
    PathMatch,
    PathModifier,
    RequestRedirect,
    URLRewrite,
)


@dataclass(frozen=True)
class RuleWords:
    """What a rule takes, what it does on the way, and where it sends it."""

    matches: tuple[str, ...]
    filters: tuple[str, ...]
    backends: tuple[str, ...]


def rules(route: HTTPRoute) -> list[RuleWords]:
    return [_rule(rule) for rule in route.spec.rules]


def _rule(rule: HTTPRouteRule) -> RuleWords:
    filters = [_filter(item) for item in rule.filters]
    if rule.timeouts.request:
        filters.append(f"answered within {rule.timeouts.request}")
    return RuleWords(
        matches=tuple(_match(match) for match in rule.matches),
        filters=tuple(filters),
        backends=tuple(_backends(rule.backend_refs)),
    )


def _match(match: HTTPRouteMatch) -> str:
    parts = [match.method or "", _path(match.path)]
    parts += [f"header {one.name} {_relation(one.type)} {one.value}" for one in match.headers]
    parts += [f"query {one.name} {_relation(one.type)} {one.value}" for one in match.query_params]
    return " ".join(part for part in parts if part)


def _path(path: PathMatch) -> str:
    if path.type == "Exact":
        return f"{path.value} exactly"
    if path.type == "RegularExpression":
        return f"~ {path.value}"
    return f"{path.value.rstrip('/')}/*"


def _relation(type_: str) -> str:
    return "~" if type_ == "RegularExpression" else "="


def _backends(refs: Sequence[HTTPBackendRef]) -> Iterable[str]:
    total = sum(ref.weight for ref in refs)
    for ref in refs:
        name = f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
        place = f"{ref.kind} {name}" + (f":{ref.port}" if ref.port else "")
        yield place if len(refs) == 1 else f"{_share(ref.weight, total)} {place}"


def _share(weight: int, total: int) -> str:
    return f"{weight / total:.0%}" if total else "0%"


def _filter(item: HTTPRouteFilter) -> str:
    if item.request_redirect:
        return _redirect(item.request_redirect)
    if item.url_rewrite:
        return _rewrite(item.url_rewrite)
    for side, modifier in (("request", item.request_header_modifier), ("response", item.response_header_modifier)):
        if modifier:
            changes = [f"sets {header.name}" for header in modifier.set]
            changes += [f"adds {header.name}" for header in modifier.add]
            changes += [f"removes {name}" for name in modifier.remove]
            return f"{side} headers: {', '.join(changes) or 'none changed'}"
    return item.type


def _redirect(redirect: RequestRedirect) -> str:
    parts = [
        redirect.scheme or "",
        f"host {redirect.hostname}" if redirect.hostname else "",
        f"port {redirect.port}" if redirect.port else "",
        _new_path(redirect.path),
    ]
    return f"redirects ({redirect.status_code}) to {', '.join(part for part in parts if part) or 'the same place'}"


def _rewrite(rewrite: URLRewrite) -> str:
    parts = [f"host {rewrite.hostname}" if rewrite.hostname else "", _new_path(rewrite.path)]
    return f"rewrites to {', '.join(part for part in parts if part)}"


def _new_path(path: PathModifier | None) -> str:
    if path is None:
        return ""
    if path.type == "ReplaceFullPath":
        return f"path {path.replace_full_path}"
    return f"prefix {path.replace_prefix_match or '/'}"


SENTENCES: Mapping[str, str] = {
    EventKind.GATEWAY_CREATED: "made on target {target}",
    EventKind.GATEWAY_CHANGED: "generation {generation} on Envoy {engine_version} is desired",
    EventKind.BUILD_PROGRESS: "{bytes} bytes of log: {line}",
    EventKind.UPDATE_AVAILABLE: "Envoy {version} is there; {current} serves",
    EventKind.POLICY_CHANGED: "updates are on {mode}, says {by}",
    EventKind.SOAK_BEGUN: "Envoy {version} is watched for {seconds} s",
    EventKind.SOAK_JUDGED: "{verdict}: {reason}",
    EventKind.SOAK_OVER: "the old engine is left; connections cut: {connections_cut}",
    EventKind.BACKUP_MADE: "{backup}: {reason}",
    EventKind.BACKUP_DRILLED: "{backup} was restored beside what serves; probes answered alike: {probes}",
    EventKind.BACKUP_REMOVED: "{backup}, by {by}",
    EventKind.ENGINE_REVIVED: "{unit} was started again: {reason}",
    EventKind.REVISION_RETIRED: "revision {unit}, replaced before, is gone; {connections_cut} connections were cut",
}


def event(kind: str, data: Mapping[str, Any]) -> str:
    """What an event says beside its kind."""
    if kind == EventKind.SOAK_BEGUN and not data.get("seconds"):
        return f"Envoy {data.get('version')} serves, and is not judged"
    if kind in SENTENCES:
        return SENTENCES[kind].format_map(defaultdict(str, data))
    parts = [str(data[field]) for field in ("name", "slot", "state") if data.get(field)]
    said = [" ".join(parts)] if parts else []
    if kind == EventKind.OPERATION_STARTED:
        said.append(f"attempt {data['attempt']}, {data['direction']}")
    if kind == EventKind.SLOT_CHANGED and data.get("version"):
        said.append(f"Envoy {data['version']}")
    if data.get("generation"):
        said.append(f"generation {data['generation']}")
    if data.get("by"):
        said.append(f"by {data['by']}")
    return ", ".join(said) + (f": {data['error']}" if data.get("error") else "")


def value(found: object) -> str:
    """A step's finding."""
    if found in ([], {}):
        return "none"
    if isinstance(found, list):
        return ", ".join(value(item) for item in found)
    if isinstance(found, dict):
        return ", ".join(f"{name} {value(item)}" for name, item in found.items())
    return str(found)
