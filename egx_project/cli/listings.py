"""Which columns each kind has in a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from egx_project.cli.tables import Table

Item = dict[str, Any]
Column = tuple[str, Callable[[Item], object]]


def table_of(kind: str, items: Sequence[Item]) -> Table:
    columns = _COLUMNS[kind]
    return Table(
        headings=tuple(heading for heading, _ in columns),
        rows=tuple(tuple(_text(value(item)) for _, value in columns) for item in items),
    ).without_empty_columns()


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(_text(part) for part in value)
    return str(value)


def _key(name: str) -> Column:
    return name.upper().replace("_", " "), lambda item: item.get(name)


def _full_name(item: Item) -> str:
    namespace = item.get("namespace") or "default"
    return str(item.get("name", "")) if namespace == "default" else f"{namespace}/{item.get('name', '')}"


def _generation(item: Item) -> str:
    """`3`, or `2 of 3` while the newest is not yet what serves."""
    wanted, applied = item.get("generation"), item.get("applied_generation")
    return _text(wanted) if wanted == applied or applied is None else f"{applied} of {_text(wanted)}"


def _progress(item: Item) -> str:
    steps = item.get("steps") or []
    return f"{sum(step.get('state') == 'done' for step in steps)}/{len(steps)}" if steps else ""


def _about(item: Item) -> object:
    """The gateway or the image."""
    return item.get("gateway") or str(item.get("subject", "")).partition("/")[2]


def _moment(name: str) -> Column:
    """To the second; what is not a time is shown as it came."""
    return "AT" if name == "at" else name.removesuffix("_at").upper(), lambda item: _text(item.get(name))[:19]


def _digest(item: Item) -> str:
    """As much of a digest as people compare."""
    return _text(item.get("digest"))[:19]


def _where(route: Item) -> str:
    return f"{route.get('host') or ''}{route.get('path') or ''}"


def _ready(item: Item) -> str:
    if not item.get("wanted") or item.get("ready") is None:
        return ""
    return "yes" if item["ready"] else "no"


_NAME: Column = ("NAME", _full_name)

_COLUMNS: dict[str, tuple[Column, ...]] = {
    "gateways": (
        _NAME,
        _key("state"),
        _key("target"),
        _key("class"),
        _key("addresses"),
        ("GENERATION", _generation),
        _key("message"),
    ),
    "routes": (_key("kind"), _NAME, _key("hostnames"), _key("gateways")),
    "operations": (
        _key("id"),
        _key("kind"),
        ("OF", _about),
        _key("state"),
        ("STEPS", _progress),
        _moment("created_at"),
        _moment("finished_at"),
        _key("error"),
    ),
    "releases": (
        _key("engine"),
        _key("version"),
        _key("state"),
        _moment("date"),
        ("DIGEST", _digest),
        _key("channel"),
        _key("signature"),
        _key("reason"),
    ),
    "backups": (
        _key("id"),
        _key("gateway"),
        _key("reason"),
        _key("state"),
        _moment("created_at"),
        _key("size"),
    ),
    "containers": (
        _key("name"),
        _key("image"),
        ("STATE", lambda item: " ".join(filter(None, [item.get("state"), item.get("health")]))),
        ("PORTS", lambda item: [port.get("number") for port in item.get("ports") or []]),
        ("EXPOSED", lambda item: [f"{one.get('gateway')} {_where(one)}" for one in item.get("exposures") or []]),
        ("OFFERED", lambda item: [_where(one) for one in item.get("offered") or []]),
    ),
    "targets": (_key("name"), _key("kind"), _key("node")),
    "services": (
        _key("name"),
        _key("target"),
        _key("state"),
        ("READY", _ready),
        _key("address"),
        _key("problem"),
    ),
    "tokens": (
        _key("name"),
        _key("role"),
        _key("user"),
        _key("start"),
        ("EXPIRES", lambda item: _text(item.get("expires_at"))[:10]),
        _moment("last_used_at"),
        _moment("revoked_at"),
    ),
    "registries": (_key("registry"), _key("username"), _key("by"), _moment("changed_at")),
    "events": (_key("number"), _moment("at"), _key("kind"), _key("subject"), _key("operation")),
    "listeners": (
        ("LISTENER", lambda item: item.get("name")),
        _key("port"),
        _key("protocol"),
        _key("hostname"),
        ("ROUTES", lambda item: item.get("attached_routes")),
    ),
    "slots": (
        ("SLOT", lambda item: item.get("name")),
        _key("state"),
        _key("engine"),
        _key("version"),
        _key("generation"),
    ),
    "steps": (
        _key("index"),
        ("STEP", lambda item: item.get("name")),
        _key("state"),
        _key("cause"),
        _key("error"),
    ),
}
