"""RequestRedirect (Gateway API: HTTPRequestRedirectFilter) as Envoy's RedirectAction."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.drivers.process.xds.paths import full_path, replaced_prefix
from deployments.drivers.process.xds.resource import Resource
from gateways.spec.objects import PathMatch, RequestRedirect

WELL_KNOWN_PORTS = {"http": 80, "https": 443}
CODES = {
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}
NAMES_A_PORT = {"name": ":authority", "string_match": {"safe_regex": {"regex": ".*:[0-9]+"}}}


@dataclass(frozen=True)
class Variant:
    """A redirect for the requests that also meet `conditions`."""

    conditions: tuple[Resource, ...]
    action: Resource


def redirects(redirect: RequestRedirect, match: PathMatch, *, port: int, domain: str) -> list[Variant]:
    """The redirect of requests for `domain` on a listener's port; the first variant that fits serves.

    The port is the given one, else the given scheme's well-known one, else the listener's; one that is
    well-known is left out. Envoy would keep the port of the request's Host where none is set. So where the
    host is not known beforehand, a Host with a port gets the well-known port said aloud: right, if longer
    than it should be.
    """
    scheme = redirect.scheme or "http"
    target = redirect.port or (WELL_KNOWN_PORTS[scheme] if redirect.scheme else port)
    action = _action(redirect, match)
    host = redirect.hostname or (None if domain.startswith("*") else domain)
    if host is not None:
        action["host_redirect"] = host
    if target != WELL_KNOWN_PORTS[scheme]:
        return [Variant((), action | {"port_redirect": target})]
    if host is not None:
        return [Variant((), action)]
    return [Variant((NAMES_A_PORT,), action | {"port_redirect": target}), Variant((), action)]


def _action(redirect: RequestRedirect, match: PathMatch) -> Resource:
    action: Resource = {"response_code": CODES[redirect.status_code]}
    if redirect.scheme is not None:
        action["scheme_redirect"] = redirect.scheme
    if redirect.path is not None and redirect.path.type == "ReplaceFullPath":
        action["path_redirect"] = full_path(redirect.path)
    elif redirect.path is not None:
        action |= replaced_prefix(redirect.path, match)
    return action
