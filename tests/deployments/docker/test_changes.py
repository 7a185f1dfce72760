"""Which changes go in place: what the engine was seen to take without harm, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from deployments.drivers.docker.changes import why_not_in_place
from deployments.drivers.docker.dumps import differences

Json = dict[str, Any]
Change = Callable[[list[Json]], object]


def rule(path: str, backend: str, value: str = "1") -> Json:
    return {
        "matches": [{"path": {"type": "PathPrefix", "value": path}}],
        "filters": [
            {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [{"name": "x", "value": value}]}}
        ],
        "backendRefs": [{"kind": "Backend", "name": backend, "weight": 1}],
    }


def route(name: str, *rules: Json, **more: Any) -> Json:
    spec = {"parentRefs": [{"name": "web"}], "rules": list(rules), **more}
    return {"kind": "HTTPRoute", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def backend(name: str, port: int = 80) -> Json:
    spec = {"endpoints": [{"fqdn": {"hostname": "a.example", "port": port}}]}
    return {"kind": "Backend", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def gateway(*names: str) -> Json:
    listeners = [{"name": name, "port": 8000 + number, "protocol": "HTTP"} for number, name in enumerate(names)]
    return {"kind": "Gateway", "metadata": {"name": "web", "namespace": "default"}, "spec": {"listeners": listeners}}


BEFORE = [gateway("a", "b"), route("web", rule("/", "one"), rule("/x", "two")), backend("one"), backend("two")]


def changed(change: Change) -> list[Json]:
    after = copy.deepcopy(BEFORE)
    change(after)
    return after


def reason(change: Change) -> str:
    return why_not_in_place(BEFORE, changed(change))


def point_at_a_new_backend(found: list[Json]) -> None:
    found.append(backend("three"))
    found[1]["spec"]["rules"][1] = rule("/x", "three")


IN_PLACE: dict[str, Change] = {
    "nothing": list,
    "a value": lambda found: found[1]["spec"]["rules"].__setitem__(0, rule("/", "one", "2")),
    "a path": lambda found: found[1]["spec"]["rules"].__setitem__(1, rule("/y", "two")),
    "a backend of a rule": lambda found: found[1]["spec"]["rules"].__setitem__(1, rule("/x", "one")),
    "a backend's port": lambda found: found.__setitem__(2, backend("one", 81)),
    "a route that comes": lambda found: found.append(route("more", rule("/m", "one"))),
    "a backend that comes": lambda found: found.append(backend("three")),
    "a route that goes": lambda found: found.pop(1),
    "a listener that comes": lambda found: found.__setitem__(0, gateway("a", "b", "c")),
    "a listener that goes": lambda found: found.__setitem__(0, gateway("a")),
}
ANEW: dict[str, tuple[Change, str]] = {
    "another order": (lambda found: found[1]["spec"]["rules"].reverse(), "change places"),
    "another order with other values": (
        lambda found: found[1]["spec"].__setitem__("rules", [rule("/x", "two", "2"), rule("/", "one", "2")]),
        "both what it matches and where it sends",
    ),
    "one rule more": (lambda found: found[1]["spec"]["rules"].append(rule("/z", "one")), "3 entries instead of 2"),
    "one rule fewer": (lambda found: found[1]["spec"]["rules"].pop(), "1 entries instead of 2"),
    "a field that comes": (lambda found: found[1]["spec"].update(hostnames=["a.example"]), "hostnames is new"),
    "a field that goes": (
        lambda found: found[1]["spec"]["rules"][0].pop("filters"),
        "filters is removed, and the engine would keep",
    ),
    "another name": (
        lambda found: found[1]["metadata"].update(name="other"), "come and others go at the same time"
    ),
    "another parent": (
        lambda found: found[1]["spec"].update(parentRefs=[{"name": "gate"}]), "parentRefs change"
    ),
    "another port of a listener": (
        lambda found: found[0]["spec"]["listeners"][0].update(port=9000), "listener a changes"
    ),
    "a backend that comes with a route that changes": (point_at_a_new_backend, "backends come or go together"),
    "a gateway class": (
        lambda found: found.append({"kind": "GatewayClass", "metadata": {"name": "egx"}, "spec": {}}),
        "GatewayClass egx comes or goes",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_PLACE)
def test_a_change_that_the_engine_takes_goes_in_place(name: str) -> None:
    assert reason(IN_PLACE[name]) == ""


@pytest.mark.parametrize("name", ANEW)
def test_any_other_change_gets_a_new_revision_and_says_why(name: str) -> None:
    change, says = ANEW[name]
    assert says in reason(change)


def dump(*found: Json) -> Json:
    kinds = {"Gateway": "gateways", "HTTPRoute": "httpRoutes", "Backend": "backends"}
    parts: dict[str, list[Json]] = {key: [] for key in kinds.values()}
    for one in copy.deepcopy(found):
        parts[kinds[one["kind"]]].append(one)
    return {"resources": [parts]}


def test_an_engine_that_holds_what_it_was_told_and_defaults_differs_in_nothing() -> None:
    held = dump(*BEFORE)
    held["resources"][0]["httpRoutes"][0]["spec"]["rules"][0]["timeouts"] = {"request": "15s"}
    assert differences(held, BEFORE) == []


def test_what_an_engine_holds_otherwise_is_said() -> None:
    held = dump(*BEFORE)
    spec = held["resources"][0]["httpRoutes"][0]["spec"]
    spec["rules"][0]["matches"][0]["path"]["value"] = "/old"
    assert differences(held, BEFORE) == ["HTTPRoute web: rules.matches.path.value is '/old', not '/'"]
    spec["rules"].pop()
    assert "rules has 1 entries, not 2" in differences(held, BEFORE)[0]
    assert differences(dump(*BEFORE[:1]), BEFORE[:2]) == ["the engine does not hold HTTPRoute web"]
    assert differences(dump(*BEFORE), BEFORE[:1])[-1] == "the engine still holds HTTPRoute web"


def test_a_field_that_was_removed_and_is_still_held_is_said() -> None:
    was = changed(lambda found: found[1]["spec"].update(hostnames=["a.example"]))
    assert differences(dump(*was), BEFORE, before=was) == ["HTTPRoute web: hostnames was removed, and is still there"]
    assert differences(dump(*was), BEFORE) == []  # it may be a default


def test_a_backend_that_no_route_names_is_not_asked_for() -> None:
    alone = [*BEFORE, backend("three")]
    assert differences(dump(*BEFORE), alone) == []
