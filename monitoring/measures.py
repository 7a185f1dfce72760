"""What clients got before a change and since, side by side, from what steps and soaks wrote down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Numbers = Mapping[str, Any]
"""`requests`, `failed_requests`, `failures` by flag, `p50_ms`, `p99_ms`."""

ROWS = {
    "requests": "requests",
    "failed_requests": "failed",
    "failures": "ended by the engine",
    "p50_ms": "p50",
    "p99_ms": "p99",
}
MILLISECONDS = frozenset({"p50_ms", "p99_ms"})
FACTS = {
    "connections_left": "connections left on the old engine",
    "websockets_left": "WebSockets left on the old engine",
    "connections_cut": "connections cut at the end",
    "backup_id": "backup",
}


@dataclass(frozen=True)
class Table:
    titles: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]


def of_operation(result: Mapping[str, Any], seen: Numbers | None) -> Table | None:
    """Of an operation that measured; None of one that did not."""
    return table({"before": result.get("before"), "during the change": result.get("during"), "since then": seen})


def table(columns: Mapping[str, Any]) -> Table | None:
    """The columns in which something was counted."""
    counted = {title: found for title, found in columns.items() if isinstance(found, Mapping) and found}
    if not counted:
        return None
    rows = [(said, [_cell(name, found.get(name)) for found in counted.values()]) for name, said in ROWS.items()]
    return Table(titles=tuple(counted), rows=rows)


def facts(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What else is known of a replacement's course; a first deployment has none."""
    steps = {"switch_traffic": "traffic switched in", "drain_old": "clients moved over in"}
    found = [(said, _seconds(result, step)) for step, said in steps.items() if "drain_old" in result]
    found += [(said, str(result[name])) for name, said in FACTS.items() if result.get(name) not in (None, "")]
    return [(said, value) for said, value in found if value]


def _seconds(result: Mapping[str, Any], step: str) -> str:
    told = result.get(step)
    seconds = told.get("seconds") if isinstance(told, Mapping) else None
    return f"{seconds:g} s" if isinstance(seconds, int | float) else ""


def _cell(name: str, value: object) -> str:
    if name == "failures":
        flags = value if isinstance(value, Mapping) else {}
        return ", ".join(f"{flag} {count}" for flag, count in sorted(flags.items()) if count) or "none"
    if value is None:
        return "-"
    if name in MILLISECONDS and isinstance(value, int | float):
        return f"{value:g} ms" if value else "< 1 ms"
    return str(value)
