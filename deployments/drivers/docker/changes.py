"""Whether an engine takes a change of its configuration in place without harm. Pure.

Envoy Gateway's file provider merges what it reads into what it has (seen with 1.8.3 and 1.9.0): a field that is gone
from the file stays; rules that change places send requests to each other's backends for a moment; objects that change
names answer 404 in between. So only these changes go in place, and all else gets a new revision beside the old one:

- values of fields that stay, in objects that stay, but for a rule whose matches and backends both change;
- routes and backends that come or go, whole;
- listeners that come or go, whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]
Place = tuple[str, str, str]
"""(kind, namespace, name)"""

COME_AND_GO = frozenset({"HTTPRoute", "Backend"})


def place(found: Object) -> Place:
    metadata = found["metadata"]
    return found["kind"], metadata.get("namespace", ""), metadata["name"]


def why_not_in_place(before: Sequence[Object], after: Sequence[Object]) -> str:
    """Why `after` needs a new revision; empty where the engine takes it in place."""
    had, has = {place(found): found for found in before}, {place(found): found for found in after}
    return next(iter(_reasons(had, has)), "")


def _reasons(had: Mapping[Place, Object], has: Mapping[Place, Object]) -> Iterable[str]:
    changed_set = set(had) ^ set(has)
    for kind, _namespace, name in sorted(changed_set):
        if kind not in COME_AND_GO:
            yield f"{kind} {name} comes or goes"
    came, went = set(has) - set(had), set(had) - set(has)
    for kind in sorted({kind for kind, *_rest in came} & {kind for kind, *_rest in went}):
        yield f"objects of kind {kind} come and others go at the same time, which looks like a change of names"
    yield from _of_backends(went, came, had, has)
    for where in sorted(set(had) & set(has)):
        reason = _difference(had[where], has[where], ()) or _of_route(had[where], has[where])
        if reason:
            yield f"{where[0]} {where[2]}: {reason}"


def _of_backends(
    went: set[Place], came: set[Place], had: Mapping[Place, Object], has: Mapping[Place, Object]
) -> Iterable[str]:
    """A route that stays and is pointed at another object: its backend's cluster must be there before it is named."""
    moved = {where for where in went | came if where[0] == "Backend"}
    routes = [where for where in set(had) & set(has) if where[0] == "HTTPRoute" and had[where] != has[where]]
    if moved and routes:
        yield "backends come or go together with changes of routes that stay"


def _of_route(before: Object, after: Object) -> str:
    """What a rule matches and where it sends come to Envoy apart, a moment after each other."""
    if before["kind"] != "HTTPRoute":
        return ""
    was, now = before["spec"], after["spec"]
    if was["parentRefs"] != now["parentRefs"]:
        return "parentRefs change"
    named = was.get("hostnames") != now.get("hostnames")
    for number, (one, other) in enumerate(zip(was.get("rules", ()), now.get("rules", ()), strict=True)):
        matched = named or one.get("matches") != other.get("matches")
        if matched and one.get("backendRefs") != other.get("backendRefs"):
            return f"rule {number + 1} changes both what it matches and where it sends"
    return ""


def _difference(before: Any, after: Any, path: tuple[str, ...]) -> str:  # noqa: ANN401
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        gone, come = sorted(set(before) - set(after)), sorted(set(after) - set(before))
        if gone:
            return f"{_dotted((*path, gone[0]))} is removed, and the engine would keep it"
        if come:
            return f"{_dotted((*path, come[0]))} is new"
        found = (_difference(before[key], after[key], (*path, key)) for key in sorted(before))
        return next((reason for reason in found if reason), "")
    if _is_list(before) and _is_list(after):
        if path[-1:] == ("listeners",):
            return _of_listeners(before, after, path)
        if len(before) != len(after):
            return f"{_dotted(path)} has {len(after)} entries instead of {len(before)}"
        found = (_difference(one, other, path) for one, other in zip(before, after, strict=True))
        return next((reason for reason in found if reason), "") or _of_order(before, after, path)
    if type(before) is not type(after):
        return f"{_dotted(path)} is of another kind"
    return ""


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _of_order(before: Sequence[Any], after: Sequence[Any], path: tuple[str, ...]) -> str:
    """The same entries in another order, all or some."""
    moved = [entry for place_, entry in enumerate(after) if before[place_] != entry and entry in before]
    return f"entries of {_dotted(path)} change places" if moved else ""


def _of_listeners(before: Sequence[Any], after: Sequence[Any], path: tuple[str, ...]) -> str:
    had, has = {one["name"]: one for one in before}, {one["name"]: one for one in after}
    kept = [name for name in had if name in has]
    if [name for name in has if name in had] != kept:
        return f"{_dotted(path)} change places"
    if set(had) - set(has) and set(has) - set(had):
        return f"{_dotted(path)} come and go at the same time"
    changed = [name for name in kept if had[name] != has[name]]
    return f"listener {changed[0]} changes" if changed else ""


def _dotted(path: tuple[str, ...]) -> str:
    return ".".join(path)
