"""Header modifiers (Gateway API: HTTPHeaderFilter) as Envoy's headers to add and to remove.

Envoy applies those of a weighted cluster before those of its route, and removes before it adds. The API's
order is the rule's filter first, then the backendRef's, so the two are put together here, and stand in one
place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from deployments.drivers.process.xds.resource import Resource
from gateways.spec.objects import HeaderModifier, HTTPRouteFilter

Side = Literal["request", "response"]


@dataclass
class Change:
    """What becomes of one header: what it had goes, or stays; then these values follow."""

    drop: bool = False
    values: list[str] = field(default_factory=list)


def modifiers(filters: Iterable[HTTPRouteFilter], side: Side) -> list[HeaderModifier]:
    chosen = (
        filter_.request_header_modifier if side == "request" else filter_.response_header_modifier
        for filter_ in filters
    )
    return [modifier for modifier in chosen if modifier is not None]


def header_fields(filters: Sequence[HTTPRouteFilter]) -> Resource:
    """The fields of a route, or of a weighted cluster, that do what these filters say, in their order."""
    fields: Resource = {}
    for side in ("request", "response"):
        changes = _changes(modifiers(filters, side))
        added = [option for name, change in changes.items() for option in _options(name, change)]
        removed = [name for name, change in changes.items() if change.drop and not change.values]
        if added:
            fields[f"{side}_headers_to_add"] = added
        if removed:
            fields[f"{side}_headers_to_remove"] = removed
    return fields


def _changes(applied: Iterable[HeaderModifier]) -> dict[str, Change]:
    changes: dict[str, Change] = {}
    for modifier in applied:
        for header in modifier.set:
            changes[header.name.lower()] = Change(drop=True, values=[header.value])
        for header in modifier.add:
            changes.setdefault(header.name.lower(), Change()).values.append(header.value)
        for name in modifier.remove:
            changes[name.lower()] = Change(drop=True)
    return changes


def _options(name: str, change: Change) -> Iterable[Resource]:
    for index, value in enumerate(change.values):
        overwrites = change.drop and index == 0
        yield {
            # Envoy reads % as the start of a command.
            "header": {"key": name, "value": value.replace("%", "%%")},
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD" if overwrites else "APPEND_IF_EXISTS_OR_ADD",
            "keep_empty_value": True,
        }
