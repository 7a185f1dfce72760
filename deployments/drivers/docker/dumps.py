"""What the engine says it holds, against what it was told. Pure.

The engine fills in defaults, so it may hold more than it was told; what it was told it must hold to the letter, and
nothing of what it is no longer told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deployments.drivers.docker.changes import Object, Place, place

KINDS = {
    "Gateway": "gateways",
    "HTTPRoute": "httpRoutes",
    "Backend": "backends",
    "ClientTrafficPolicy": "clientTrafficPolicies",
    "BackendTrafficPolicy": "backendTrafficPolicies",
}
"""Where `/api/config_dump?resource=all` has each kind."""


def differences(dump: Mapping[str, Any], meant: Sequence[Object], *, before: Sequence[Object] = ()) -> list[str]:
    """Sentences; none where the engine holds what is meant. `before` is what it was told last."""
    held = _held(dump)
    known = {place(found): found for found in meant if found["kind"] in KINDS and _shows(found, meant)}
    earlier = {place(found): found for found in before}
    found: list[str] = []
    for where in sorted(set(known) | set(held)):
        if where not in held:
            found.append(f"the engine does not hold {_said(where)}")
        elif where not in known:
            found.append(f"the engine still holds {_said(where)}")
        else:
            told, was = known[where]["spec"], earlier.get(where, {}).get("spec", {})
            found += [f"{_said(where)}: {problem}" for problem in _compare(told, held[where]["spec"], was, ())]
    return found


def _shows(found: Object, meant: Sequence[Object]) -> bool:
    """The engine tells only of backends that a route names."""
    return found["kind"] != "Backend" or found["metadata"]["name"] in set(_backends_named(meant))


def _backends_named(value: object) -> Iterable[str]:
    if isinstance(value, Mapping):
        if value.get("kind") == "Backend" and "name" in value:
            yield str(value["name"])
        for part in value.values():
            yield from _backends_named(part)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for part in value:
            yield from _backends_named(part)


def _held(dump: Mapping[str, Any]) -> dict[Place, Object]:
    resources = dump.get("resources") or [{}]
    return {
        (kind, found["metadata"].get("namespace", ""), found["metadata"]["name"]): found
        for kind, key in KINDS.items()
        for part in resources
        for found in part.get(key) or ()
    }


def _said(where: Place) -> str:
    return f"{where[0]} {where[2]}"


def _compare(told: object, held: object, was: object, path: tuple[str, ...]) -> Iterable[str]:
    if isinstance(told, Mapping):
        if not isinstance(held, Mapping):
            yield f"{'.'.join(path)} is not what it was told"
            return
        for key in told:
            before = was.get(key) if isinstance(was, Mapping) else None
            yield from _compare(told[key], held.get(key), before, (*path, key))
        left = [key for key in held if key not in told and isinstance(was, Mapping) and key in was]
        yield from (f"{'.'.join((*path, key))} was removed, and is still there" for key in left)
    elif isinstance(told, Sequence) and not isinstance(told, str):
        if not isinstance(held, Sequence) or len(held) != len(told):
            yield f"{'.'.join(path)} has {len(held) if isinstance(held, Sequence) else 0} entries, not {len(told)}"
            return
        earlier = was if isinstance(was, Sequence) and len(was) == len(told) else [None] * len(told)
        for one, other, before in zip(told, held, earlier, strict=True):
            yield from _compare(one, other, before, path)
    elif told != held:
        yield f"{'.'.join(path)} is {held!r}, not {told!r}"
