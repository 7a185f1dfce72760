"""A rule's backendRefs and filters as Envoy's RouteAction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from deployments.drivers.process.xds.clusters import BackendKey
from deployments.drivers.process.xds.durations import envoy_duration, seconds
from deployments.drivers.process.xds.headers import header_fields
from deployments.drivers.process.xds.paths import rewritten
from deployments.drivers.process.xds.resource import Resource
from gateways.spec.base import ObjectRef
from gateways.spec.objects import HTTPBackendRef, HTTPRoute, HTTPRouteRule, HTTPRouteTimeouts, PathMatch

INVALID_BACKEND = "invalid-backend"
"""A cluster that is never there. What is routed to it gets cluster_not_found_response_code, which is 500."""

STREAM_IDLE_SECONDS = 3600
"""How long a stream may say nothing. Envoy's 5 minutes would cut WebSockets and long polls; no limit would
keep the streams of peers that are gone."""


@dataclass(frozen=True)
class Share:
    """A cluster's part of a rule's requests."""

    cluster: str
    backend: HTTPBackendRef


def forwarding(
    rule: HTTPRouteRule, match: PathMatch, route: HTTPRoute, clusters: Mapping[BackendKey, Resource]
) -> Resource:
    """The fields of a Route that send requests on.

    HTTPRouteRule.backendRefs: where no backend exists and has a weight, the answer is 500; where some do not
    exist, it is that for their share of the requests.
    """
    shares = list(_shares(rule, route, clusters))
    if all(share.cluster == INVALID_BACKEND for share in shares):
        return {"direct_response": {"status": 500}}
    action = {
        "cluster_not_found_response_code": "INTERNAL_SERVER_ERROR",
        **_rewrite(rule, match),
        **timeouts(rule.timeouts),
    }
    if any(share.backend.filters for share in shares):
        weighted = [_weighted(share) | _headers(rule, share) for share in shares]
        return {"route": {**action, "weighted_clusters": {"clusters": weighted}}}
    return {"route": {**action, **_clusters(shares)}, **header_fields(rule.filters)}


def backend_ref(backend: HTTPBackendRef, route: HTTPRoute) -> ObjectRef:
    namespace = backend.namespace or route.metadata.namespace
    return ObjectRef(kind=backend.kind, namespace=namespace, name=backend.name)


def _shares(rule: HTTPRouteRule, route: HTTPRoute, clusters: Mapping[BackendKey, Resource]) -> Iterable[Share]:
    for backend in rule.backend_refs:
        found = clusters.get((backend_ref(backend, route), backend.port))
        if backend.weight > 0:
            yield Share(found["name"] if found else INVALID_BACKEND, backend)


def _clusters(shares: list[Share]) -> Resource:
    if len(shares) == 1:
        return {"cluster": shares[0].cluster}
    return {"weighted_clusters": {"clusters": [_weighted(share) for share in shares]}}


def _weighted(share: Share) -> Resource:
    return {"name": share.cluster, "weight": share.backend.weight}


def _headers(rule: HTTPRouteRule, share: Share) -> Resource:
    return header_fields([*rule.filters, *share.backend.filters])


def _rewrite(rule: HTTPRouteRule, match: PathMatch) -> Resource:
    fields: Resource = {}
    for filter_ in rule.filters:
        if filter_.url_rewrite is None:
            continue
        if filter_.url_rewrite.hostname is not None:
            fields["host_rewrite_literal"] = filter_.url_rewrite.hostname
        if filter_.url_rewrite.path is not None:
            fields |= rewritten(filter_.url_rewrite.path, match)
    return fields


def timeouts(given: HTTPRouteTimeouts) -> Resource:
    """None unless the rule says so: Envoy's default of 15 seconds would cut long responses.

    A rule that allows a request any time, or more than a stream may be idle, also lets it be idle for that
    long.
    """
    if given.request is None:
        return {"timeout": "0s"}
    allowed = seconds(given.request)
    fields = {"timeout": envoy_duration(allowed)}
    if allowed == 0 or allowed > STREAM_IDLE_SECONDS:
        fields["idle_timeout"] = fields["timeout"]
    return fields
