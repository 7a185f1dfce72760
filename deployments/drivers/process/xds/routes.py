"""A port's route configuration: a virtual host for each name, its routes in the order in which they win.

A request belongs to the virtual host with the most specific name, and to no other, as in Envoy Gateway: a
route for `*.example.com` is not asked when one for `a.example.com` is there and has no rule that matches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from deployments.drivers.envoy.edge import name
from deployments.drivers.process.xds.attachment import Attachment, attachments, hostname_of
from deployments.drivers.process.xds.clusters import BackendKey
from deployments.drivers.process.xds.forwarding import forwarding
from deployments.drivers.process.xds.headers import header_fields
from deployments.drivers.process.xds.hostnames import ANY, specificity
from deployments.drivers.process.xds.matching import route_match
from deployments.drivers.process.xds.precedence import Candidate, candidates, precedence
from deployments.drivers.process.xds.redirects import redirects
from deployments.drivers.process.xds.resource import TYPES, Resource
from gateways.spec.objects import HTTPRouteRule, RequestRedirect
from gateways.spec.snapshot import GatewaySnapshot


def route_configuration(snapshot: GatewaySnapshot, port: int, clusters: Mapping[BackendKey, Resource]) -> Resource:
    by_domain: dict[str, list[Attachment]] = {
        # A listener's own name answers 404 rather than leave its requests to a less specific listener.
        hostname_of(listener): []
        for listener in snapshot.gateway.spec.listeners
        if listener.port == port
    }
    for attachment in attachments(snapshot):
        if attachment.listener.port == port:
            by_domain.setdefault(attachment.domain, []).append(attachment)
    domains = sorted(by_domain, key=lambda domain: (not specificity(domain)[0], -specificity(domain)[1], domain))
    return {
        "@type": f"{TYPES}.config.route.v3.RouteConfiguration",
        "name": name(port),
        "ignore_port_in_host_matching": True,
        "virtual_hosts": [
            _virtual_host(domain, by_domain[domain], clusters, port=port)
            for domain in domains
            if by_domain[domain] or domain != ANY
        ],
    }


def _virtual_host(
    domain: str, attached: Iterable[Attachment], clusters: Mapping[BackendKey, Resource], *, port: int
) -> Resource:
    found = [candidate for attachment in attached for candidate in candidates(attachment.attached)]
    return {
        "name": domain,
        "domains": [domain],
        "routes": [
            route
            for candidate in sorted(found, key=precedence)
            for route in _routes(candidate, clusters, port=port, domain=domain)
        ],
    }


def _routes(
    candidate: Candidate, clusters: Mapping[BackendKey, Resource], *, port: int, domain: str
) -> Iterable[Resource]:
    rule, match = candidate.rule, candidate.match
    redirect = _redirect(rule)
    if redirect is None:
        fields = forwarding(rule, match.path, candidate.attached.route, clusters)
        yield {"name": candidate.name, "match": route_match(match), **fields}
        return
    for variant in redirects(redirect, match.path, port=port, domain=domain):
        yield {
            "name": candidate.name,
            "match": route_match(match, also=variant.conditions),
            "redirect": variant.action,
            **header_fields(rule.filters),
        }


def _redirect(rule: HTTPRouteRule) -> RequestRedirect | None:
    return next((each.request_redirect for each in rule.filters if each.request_redirect is not None), None)
