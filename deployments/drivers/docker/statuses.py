"""What Envoy Gateway's log says about configuration: statuses, and what it would not read. Pure.

In standalone mode there is no API for status: the engine logs each new one as YAML between two lines (seen with 1.8.3
and 1.9.0), and a status that stays the same is not logged again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

BEGIN = re.compile(r"^\S+\tinfo\tprovider\tfile/status\.go:\d+\tGot new status for (?P<kind>\w+)$")
END = re.compile(r'^\t(?P<fields>\{.*"key": ".*\})$')
FAILED = ("error when reload resources", "failed to reload resources initially")
"""What a line says that tells of files which the engine would not read; what it had before stays."""
WHERE = re.compile(r"failed to load resources from file \S+: (local validation error: )?")
LONGEST_STATUS = 64 * 1024
NORMAL = {("Gateway", "Programmed", "AddressNotAssigned")}
"""(kind, condition, reason) that are False and mean nothing here: nobody assigns addresses in this mode."""


@dataclass(frozen=True)
class Said:
    statuses: Mapping[tuple[str, str], Mapping[str, Any]]
    """The newest of each (kind, `namespace/name`)."""
    reload_errors: tuple[str, ...]
    """Why files were not read, in the engine's own words."""


def read(log: str) -> Said:
    statuses: dict[tuple[str, str], Mapping[str, Any]] = {}
    errors: list[str] = []
    kind, body = "", list[str]()
    for line in log.splitlines():
        begun = BEGIN.match(line)
        ended = END.match(line) if kind else None
        if begun:
            kind, body = begun["kind"], []
        elif ended:
            statuses[kind, _field(ended["fields"], "key")] = _parsed(body)
            kind = ""
        elif kind and sum(map(len, body)) < LONGEST_STATUS:
            body.append(line)
        elif any(sign in line for sign in FAILED):
            errors.append(WHERE.sub("", _field(line[line.find("{") :], "error") or line))
    return Said(statuses=statuses, reload_errors=tuple(errors))


def problems(said: Said) -> list[str]:
    """Conditions that are not as they should be, in the engine's own words."""
    return [
        f"{kind} {key.partition('/')[2] or key}: {condition.get('type')} is {condition.get('status')}, "
        f"{condition.get('message') or condition.get('reason')}"
        for (kind, key), status in sorted(said.statuses.items())
        for condition in _conditions(status)
        if _is_bad(kind, condition)
    ]


BAD_WHEN_TRUE = frozenset({"Conflicted", "OverlappingTLSConfig", "Overridden", "PartiallyInvalid"})
GOOD_WHEN_TRUE = frozenset({"Accepted", "Programmed", "ResolvedRefs"})


def _is_bad(kind: str, condition: Mapping[str, Any]) -> bool:
    type_, status = condition.get("type"), condition.get("status")
    if (kind, type_, condition.get("reason")) in NORMAL:
        return False
    return (type_ in GOOD_WHEN_TRUE and status == "False") or (type_ in BAD_WHEN_TRUE and status == "True")


def _conditions(status: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    yield from status.get("conditions") or ()
    for part in ("parents", "listeners", "ancestors"):
        for found in status.get(part) or ():
            yield from found.get("conditions") or ()


def _parsed(body: Iterable[str]) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load("\n".join(body))
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def _field(text: str, name: str) -> str:
    try:
        return str(json.loads(text).get(name, ""))
    except (ValueError, AttributeError):
        return ""
