"""The users' containers, from what Docker lists. Pure: names and labels are whatever somebody wrote.

Labels ask for routes: `egx.route.path`, and beside it `.host`, `.port`, `.gateway` and `.keep-path`; with a name in
between (`egx.route.api.path`), several. A label that means nothing is a sentence of its container, and no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deployments.drivers.docker import names
from deployments.drivers.joining import Candidate, ContainerPort, LabelledRoute
from gateways.spec.base import DNS_NAME, NAME_LENGTH
from gateways.spec.containers import is_identity
from gateways.spec.objects import PathMatch

Listed = Mapping[str, Any]
"""One of `GET /containers/json`."""

PROJECT, SERVICE, ONE_OFF = "com.docker.compose.project", "com.docker.compose.service", "com.docker.compose.oneoff"
PREFIX = "egx.route."
FIELDS = frozenset({"path", "host", "port", "gateway", "keep-path"})
MOST_ROUTES = 16
MOST_PROBLEMS = 8
MOST_PORTS = 32
LONGEST_SHOWN = 80
_ROUTE_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_GATEWAY = re.compile(r"([a-z0-9]([-a-z0-9]*[a-z0-9])?/)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_HEALTH = re.compile(r"\((healthy|unhealthy|health: starting)\)")
_STATES = ("running", "restarting", "paused", "created", "exited", "dead", "removing")

HTTP_FIRST = (80, 8080, 8000, 3000, 5000, 8888, 8081, 5173, 4200, 9000, 9090, 8443, 443)
NOT_HTTP = frozenset({
    21, 22, 25, 53, 110, 143, 389, 465, 587, 993, 995, 1433, 1521, 1883, 2181, 2375, 2376, 2379, 2380, 3306, 4222, 5432,
    5671, 5672, 6379, 6432, 8883, 9042, 9092, 9300, 11211, 27017, 50000,
})  # fmt: skip


def candidates(listed: Iterable[Listed]) -> list[Candidate]:
    """By identity; EGX's own are none, whichever EGX's."""
    groups: dict[str, list[Listed]] = {}
    for one in listed:
        labels = _labels(one)
        identity = identity_of(one)
        if names.INSTALLATION not in labels and identity:
            groups.setdefault(identity, []).append(one)
    return [_candidate(identity, groups[identity]) for identity in sorted(groups)]


def identity_of(one: Listed) -> str:
    """`project/service` of what compose made, else the container's name; empty where it has none."""
    labels = _labels(one)
    service = f"{labels.get(PROJECT, '')}/{labels.get(SERVICE, '')}"
    if is_identity(service) and labels.get(ONE_OFF, "False").lower() != "true":
        return service
    name = name_of(one)
    return name if is_identity(name) else ""


def name_of(one: Listed) -> str:
    """Its own name; a link's has another container's before it."""
    found = [str(name).lstrip("/") for name in one.get("Names") or ()]
    return next((name for name in found if "/" not in name), "")


def networks_of(one: Listed) -> tuple[str, ...]:
    return tuple(sorted((one.get("NetworkSettings") or {}).get("Networks") or {}))


def obstacle_of(one: Listed) -> str:
    """Why Docker lets it into no further network; empty where it does."""
    mode = str((one.get("HostConfig") or {}).get("NetworkMode", ""))
    if mode == "host":
        return "it has the host's network: write a Backend with 127.0.0.1 and its port instead"
    if mode == "none":
        return "it was made without a network"
    if mode.startswith("container:"):
        return "it shares the network of another container: expose that one"
    return ""


def _candidate(identity: str, found: Sequence[Listed]) -> Candidate:
    found = sorted(found, key=lambda one: (_rank(one), name_of(one)))
    first = found[0]
    routes, problems = routes_of(identity, _labels(first))
    return Candidate(
        identity=identity,
        names=tuple(sorted(name for one in found if is_identity(name := name_of(one)))),
        image=_image(str(first.get("Image", ""))),
        state=str(first.get("State", "")),
        health=_health(str(first.get("Status", ""))),
        ports=ports_of(first),
        networks=tuple(sorted({network for one in found for network in networks_of(one)})),
        routes=routes,
        problems=problems,
        obstacle=obstacle_of(first),
    )


def _image(reference: str) -> str:
    """As people name it: as much of a digest as they compare."""
    name, found, digest = reference.rpartition("sha256:")
    return _shown(f"{name}{found}{digest[:12]}" if found else reference)


def _rank(one: Listed) -> int:
    state = one.get("State", "")
    return _STATES.index(state) if state in _STATES else len(_STATES)


def _health(status: str) -> str:
    found = _HEALTH.search(status)
    return found[1].removeprefix("health: ") if found else ""


def ports_of(one: Listed) -> tuple[ContainerPort, ...]:
    """TCP ports, what is probably HTTP first; Docker lists none of a container that does not run."""
    published: dict[int, set[str]] = {}
    for port in one.get("Ports") or ():
        if port.get("Type", "tcp") == "tcp" and port.get("PrivatePort"):
            places = published.setdefault(int(port["PrivatePort"]), set())
            if port.get("PublicPort"):
                places.add(f"{_host(str(port.get('IP', '')))}:{port['PublicPort']}")
    ordered = sorted(published, key=_how_probably_http)[:MOST_PORTS]
    return tuple(ContainerPort(number=number, published=tuple(sorted(published[number]))) for number in ordered)


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _how_probably_http(port: int) -> tuple[bool, int, int]:
    return port in NOT_HTTP, HTTP_FIRST.index(port) if port in HTTP_FIRST else len(HTTP_FIRST), port


# --- labels -----------------------------------------------------------------------------------------------------------


def routes_of(identity: str, labels: Mapping[str, str]) -> tuple[tuple[LabelledRoute, ...], tuple[str, ...]]:
    """(what is asked for, what is wrong)."""
    fields: dict[str, dict[str, str]] = {}
    problems: list[str] = []
    for label in sorted(label for label in labels if label.startswith(PREFIX)):
        name, _, field = label.removeprefix(PREFIX).rpartition(".")
        if field not in FIELDS or (name and not _ROUTE_NAME.fullmatch(name)):
            problems.append(_said(identity, label, "is no label that EGX knows"))
        else:
            fields.setdefault(name, {})[field] = labels[label]
    routes = []
    for name, given in list(fields.items())[:MOST_ROUTES]:
        wrong = [_said(identity, _label(name, field), why) for field, why in _wrong(given)]
        problems += wrong
        if not wrong:
            routes.append(_route(name, given))
    if len(fields) > MOST_ROUTES:
        problems.append(f"container {identity}: {len(fields)} routes are asked for; {MOST_ROUTES} are read")
    return tuple(routes), tuple(problems[:MOST_PROBLEMS])


def _label(name: str, field: str) -> str:
    return f"{PREFIX}{name}.{field}" if name else f"{PREFIX}{field}"


def _route(name: str, given: Mapping[str, str]) -> LabelledRoute:
    return LabelledRoute(
        name=name,
        path=given.get("path", "/"),
        host=given.get("host", ""),
        gateway=given.get("gateway", ""),
        port=int(given.get("port", "0")),
        keep_path=given.get("keep-path", "false").lower() == "true",
    )


def _wrong(given: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """(field, why) of what means nothing."""
    if "path" not in given and "host" not in given:
        yield "path", "is missing: without it, or a host, there is no route"
    if why := why_no_path(given.get("path", "/")):
        yield "path", why
    host = given.get("host", "")
    if host and not is_host(host):
        yield "host", f"is {_shown(host)!r}, which is no name of a host"
    port = given.get("port", "1")
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:  # noqa: PLR2004
        yield "port", f"is {_shown(port)!r}, which is no port"
    gateway = given.get("gateway", "")
    if gateway and (len(gateway) > NAME_LENGTH or not _GATEWAY.fullmatch(gateway)):
        yield "gateway", f"is {_shown(gateway)!r}, which is no name of a gateway"
    if given.get("keep-path", "false").lower() not in {"true", "false"}:
        yield "keep-path", f"is {_shown(given['keep-path'])!r}; it is true or false"


def why_no_path(path: str) -> str:
    """Why no route may have it; empty where one may."""
    try:
        PathMatch.model_validate({"type": "PathPrefix", "value": path})
    except ValueError:
        return f"is {_shown(path)!r}, which is no path that a route may have"
    return ""


def is_host(host: str) -> bool:
    return len(host) <= NAME_LENGTH and bool(DNS_NAME.fullmatch(host.removeprefix("*.")))


def _said(identity: str, label: str, why: str) -> str:
    return f"container {identity}: label {_shown(label)} {why}"


def _shown(text: str) -> str:
    """As much of what somebody wrote as may stand in a sentence."""
    plain = "".join(char if char.isprintable() else "�" for char in text[: LONGEST_SHOWN + 1])
    return plain if len(plain) <= LONGEST_SHOWN else plain[: LONGEST_SHOWN - 1] + "…"


def _labels(one: Listed) -> Mapping[str, str]:
    return {str(name): str(value) for name, value in (one.get("Labels") or {}).items()}
