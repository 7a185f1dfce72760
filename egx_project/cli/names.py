"""How things are named on the command line: kinds with their short forms, and `namespace/name`."""

from __future__ import annotations

from typing import NamedTuple

from egx_project.lib.errors import BadInputError


class Kind(NamedTuple):
    """What `egx get` can list."""

    plural: str
    only: str = ""
    """Of the routes, those of this Gateway API kind."""

    @property
    def singular(self) -> str:
        return self.only or self.plural.removesuffix("s")


_PLURALS = ("gateways", "routes", "operations", "releases", "backups", "targets", "events")
_SHORT = {"gw": "gateways", "gws": "gateways", "op": "operations", "ops": "operations"}
_ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")

_OBJECTS = (
    *_ROUTES,
    "Gateway",
    "GatewayClass",
    "Backend",
    "Service",
    "Secret",
    "ConfigMap",
    "ReferenceGrant",
)
_KINDS = {name.lower(): name for name in _OBJECTS} | {"gw": "Gateway", "svc": "Service", "route": "Route"}


def listed_kind(text: str) -> Kind:
    """`gateways`, `gateway`, `gw`, `httproute`. Raises BadInputError."""
    name = text.lower()
    for plural in _PLURALS:
        if name in {plural, plural.removesuffix("s")} or _SHORT.get(name) == plural:
            return Kind(plural)
    for route in _ROUTES:
        if name in {route.lower(), route.lower() + "s"}:
            return Kind("routes", only=route)
    raise BadInputError(f"there is nothing called {text!r} to get", hint=f"one of {', '.join(_PLURALS)}")


def object_kind(text: str) -> str:
    """A kind of manifest, as Gateway API spells it; `Route` is any route. Other kinds stay as typed."""
    name = text.lower()
    return _KINDS.get(name) or _KINDS.get(name.removesuffix("s")) or _KINDS.get(name.removesuffix("es")) or text


def split_name(text: str, namespace: str | None = None) -> tuple[str | None, str]:
    """`name` or `namespace/name`, as (namespace, name). Raises BadInputError."""
    head, slash, name = text.rpartition("/")
    if not name or "/" in head or (slash and not head):
        raise BadInputError(f"{text!r} is not a name", hint="give NAME or NAMESPACE/NAME")
    if head and namespace and head != namespace:
        raise BadInputError(f"{text!r} is not in namespace {namespace!r}")
    return head or namespace, name
