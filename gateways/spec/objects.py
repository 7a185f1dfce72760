"""The kinds that EGX reads, field by field as the Gateway API (v1) and Envoy Gateway (v1alpha1) define them.

A field that the API has and a runtime cannot do is kept here and refused by that runtime by name; a field that the
API does not have is refused when read.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, ClassVar, Literal, Self

import re2
from pydantic import AfterValidator, Field, JsonValue, model_validator

from gateways.spec.base import NAME_LENGTH, Duration, Hostname, Label, ManifestObject, Name, Part, Port

GATEWAY_API = "gateway.networking.k8s.io"
ENVOY_GATEWAY = "gateway.envoyproxy.io"

ADDRESS_ANNOTATION = "egx.dev/address"
"""On a Service: the host, or host:port, where it is reached from this machine."""

Method = Literal["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$", max_length=256)]
HeaderValue = Annotated[str, Field(pattern=r"^[^\x00\r\n]*$", max_length=4096)]
Weight = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
PATH_CHARACTERS = re.compile(r"([-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*")
"""What the Gateway API lets an Exact or PathPrefix value have."""


# --- Gateway ----------------------------------------------------------------------------------------------------


class RouteNamespaces(Part):
    from_: Literal["All", "Selector", "Same", "None"] = Field(default="Same", alias="from")
    selector: JsonValue = None


class RouteKind(Part):
    group: str = GATEWAY_API
    kind: str


class AllowedRoutes(Part):
    namespaces: RouteNamespaces = RouteNamespaces()
    kinds: tuple[RouteKind, ...] = ()


class Listener(Part):
    name: Name
    port: Port
    protocol: Annotated[str, Field(min_length=1, max_length=255)]
    hostname: Hostname | None = None
    tls: dict[str, JsonValue] | None = None
    allowed_routes: AllowedRoutes = AllowedRoutes()


class GatewayBody(Part):
    gateway_class_name: Name
    listeners: Annotated[tuple[Listener, ...], Field(min_length=1, max_length=64)]
    addresses: tuple[JsonValue, ...] = ()
    infrastructure: dict[str, JsonValue] | None = None
    backend_tls: JsonValue = Field(default=None, alias="backendTLS")
    tls: JsonValue = None
    allowed_listeners: JsonValue = None
    default_scope: str | None = None

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [listener.name for listener in self.listeners]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"listener names must be unique; repeated: {', '.join(repeated)}")
        return self


class Gateway(ManifestObject):
    KIND: ClassVar[str] = "Gateway"
    API_VERSIONS: ClassVar[tuple[str, ...]] = (f"{GATEWAY_API}/v1", f"{GATEWAY_API}/v1beta1")

    spec: GatewayBody


# --- HTTPRoute --------------------------------------------------------------------------------------------------


class ParentRef(Part):
    group: str = GATEWAY_API
    kind: str = "Gateway"
    namespace: Label | None = None
    name: Name
    section_name: Name | None = None
    port: Port | None = None


def _regex(value: str) -> str:
    """Envoy uses RE2, so RE2 itself judges."""
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(value, options)
    except re2.error as error:
        reason = error.args[0]
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"not a regular expression that Envoy (RE2) can use: {text}") from None
    return value


class PathMatch(Part):
    type: Literal["Exact", "PathPrefix", "RegularExpression"] = "PathPrefix"
    value: Annotated[str, Field(max_length=1024)] = "/"

    @model_validator(mode="after")
    def _value_fits_type(self) -> Self:
        if self.type == "RegularExpression":
            _regex(self.value)
        elif not self.value.startswith("/"):
            raise ValueError("a path must start with '/'")
        elif any(part in self.value for part in ("//", "/./", "/../", "%2f", "%2F", "#")) or self.value.endswith(
            ("/..", "/.")
        ):
            raise ValueError("a path may not contain //, /./, /../, %2f or #, nor end with /. or /..")
        elif not PATH_CHARACTERS.fullmatch(self.value):
            raise ValueError("a path may have letters, digits, -._~!$&'()*+,;=:@/ and %XX")
        return self


class _ValueMatch(Part):
    type: Literal["Exact", "RegularExpression"] = "Exact"
    name: HeaderName
    value: Annotated[str, Field(min_length=1, max_length=4096)]

    @model_validator(mode="after")
    def _value_fits_type(self) -> Self:
        if self.type == "RegularExpression":
            _regex(self.value)
        return self


class HeaderMatch(_ValueMatch):
    """Header names compare without case (RFC 9110)."""


class QueryParamMatch(_ValueMatch):
    """The first value of a repeated parameter counts, names compare with case."""


class HTTPRouteMatch(Part):
    path: PathMatch = PathMatch()
    headers: Annotated[tuple[HeaderMatch, ...], Field(max_length=16)] = ()
    query_params: Annotated[tuple[QueryParamMatch, ...], Field(max_length=16)] = ()
    method: Method | None = None


class HTTPHeader(Part):
    name: HeaderName
    value: HeaderValue


class HeaderModifier(Part):
    set: Annotated[tuple[HTTPHeader, ...], Field(max_length=16)] = ()
    add: Annotated[tuple[HTTPHeader, ...], Field(max_length=16)] = ()
    remove: Annotated[tuple[HeaderName, ...], Field(max_length=16)] = ()


class PathModifier(Part):
    type: Literal["ReplaceFullPath", "ReplacePrefixMatch"]
    replace_full_path: Annotated[str, Field(max_length=1024)] | None = None
    replace_prefix_match: Annotated[str, Field(max_length=1024)] | None = None

    @model_validator(mode="after")
    def _has_the_field_of_its_type(self) -> Self:
        field = {"ReplaceFullPath": "replace_full_path", "ReplacePrefixMatch": "replace_prefix_match"}
        for type_, name in field.items():
            if (getattr(self, name) is not None) != (self.type == type_):
                raise ValueError(
                    f"type {self.type} takes {'' if self.type == type_ else 'no '}{type_[0].lower()}{type_[1:]}"
                )
        return self


class RequestRedirect(Part):
    scheme: Literal["http", "https"] | None = None
    hostname: Name | None = None
    path: PathModifier | None = None
    port: Port | None = None
    status_code: Literal[301, 302, 303, 307, 308] = 302


class URLRewrite(Part):
    hostname: Name | None = None
    path: PathModifier | None = None


FilterType = Literal[
    "RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "RequestRedirect", "URLRewrite",
    "ExtensionRef", "CORS", "ExternalAuth",
]  # fmt: skip
_FILTER_FIELD: dict[str, str] = {
    "RequestHeaderModifier": "request_header_modifier", "ResponseHeaderModifier": "response_header_modifier",
    "RequestMirror": "request_mirror", "RequestRedirect": "request_redirect", "URLRewrite": "url_rewrite",
    "ExtensionRef": "extension_ref", "CORS": "cors", "ExternalAuth": "external_auth",
}  # fmt: skip


class HTTPRouteFilter(Part):
    type: FilterType
    request_header_modifier: HeaderModifier | None = None
    response_header_modifier: HeaderModifier | None = None
    request_redirect: RequestRedirect | None = None
    url_rewrite: URLRewrite | None = None
    request_mirror: dict[str, JsonValue] | None = None
    extension_ref: dict[str, JsonValue] | None = None
    cors: dict[str, JsonValue] | None = None
    external_auth: dict[str, JsonValue] | None = None

    @model_validator(mode="after")
    def _has_the_field_of_its_type(self) -> Self:
        for type_, name in _FILTER_FIELD.items():
            alias = type(self).model_fields[name].alias
            if self.type == type_ and getattr(self, name) is None:
                raise ValueError(f"type {type_} needs the field {alias}")
            if self.type != type_ and getattr(self, name) is not None:
                raise ValueError(f"type {self.type} may not have the field {alias}")
        return self


class HTTPBackendRef(Part):
    group: str = ""
    kind: str = "Service"
    namespace: Label | None = None
    name: Name
    port: Port | None = None
    weight: Weight = 1
    filters: tuple[HTTPRouteFilter, ...] = ()


class HTTPRouteTimeouts(Part):
    request: Duration | None = None
    backend_request: Duration | None = None


class HTTPRouteRule(Part):
    name: Name | None = None
    matches: Annotated[tuple[HTTPRouteMatch, ...], Field(max_length=64)] = (HTTPRouteMatch(),)
    filters: Annotated[tuple[HTTPRouteFilter, ...], Field(max_length=16)] = ()
    backend_refs: Annotated[tuple[HTTPBackendRef, ...], Field(max_length=16)] = ()
    timeouts: HTTPRouteTimeouts = HTTPRouteTimeouts()
    retry: dict[str, JsonValue] | None = None
    session_persistence: dict[str, JsonValue] | None = None

    @model_validator(mode="after")
    def _filters_fit_together(self) -> Self:
        types = [filter_.type for filter_ in self.filters]
        repeated = sorted({t for t in types if types.count(t) > 1 and t not in {"RequestMirror", "ExtensionRef"}})
        if repeated:
            raise ValueError(f"a rule may have one filter of each of these types: {', '.join(repeated)}")
        if "RequestRedirect" in types and "URLRewrite" in types:
            raise ValueError("a rule may not have both RequestRedirect and URLRewrite")
        if "RequestRedirect" in types and self.backend_refs:
            raise ValueError("a rule with RequestRedirect may not have backendRefs")
        return self._prefixes_can_be_replaced()

    def _prefixes_can_be_replaced(self) -> Self:
        for filter_ in self.filters:
            modifier = filter_.url_rewrite or filter_.request_redirect
            if modifier is None or modifier.path is None or modifier.path.type != "ReplacePrefixMatch":
                continue
            if len(self.matches) > 1 or any(match.path.type != "PathPrefix" for match in self.matches):
                raise ValueError("ReplacePrefixMatch needs the rule to have one match, a PathPrefix")
        return self


class HTTPRouteBody(Part):
    parent_refs: Annotated[tuple[ParentRef, ...], Field(min_length=1, max_length=32)]
    hostnames: Annotated[tuple[Hostname, ...], Field(max_length=16)] = ()
    rules: Annotated[tuple[HTTPRouteRule, ...], Field(min_length=1, max_length=16)] = (HTTPRouteRule(),)
    use_default_gateways: str | None = None


class HTTPRoute(ManifestObject):
    KIND: ClassVar[str] = "HTTPRoute"
    API_VERSIONS: ClassVar[tuple[str, ...]] = (f"{GATEWAY_API}/v1", f"{GATEWAY_API}/v1beta1")

    spec: HTTPRouteBody


# --- Backends ---------------------------------------------------------------------------------------------------


_HOST_AND_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(:(?P<port>[0-9]{1,5}))?")
_HOST = re.compile(r"\w([\w-]*\w)?(\.\w([\w-]*\w)?)*\.?", re.ASCII)
"""Names of containers may have `_`."""


def _is_ip(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return "%" not in value


def _ip(value: str) -> str:
    if not _is_ip(value):
        raise ValueError("must be an IP address")
    return value


def _address(value: str) -> str:
    if _is_ip(value):
        return value
    parts = _HOST_AND_PORT.fullmatch(value)
    if not parts or not 1 <= int(parts["port"] or 1) <= 65535:  # noqa: PLR2004
        raise ValueError("must be host or host:port")
    host = parts["host"].strip("[]")
    # A last label of digits is an IPv4 address or a mistake, such as a port without its host.
    number = host.rpartition(".")[2].isdigit()
    if not (_is_ip(host) or (len(host) <= NAME_LENGTH and _HOST.fullmatch(host) and not number)):
        raise ValueError("must be host or host:port, where the host is a name or an IP address")
    return value


Address = Annotated[str, AfterValidator(_address)]
"""Where something is reached: `host` or `host:port`; an IPv6 address has brackets before a port."""


class IPEndpoint(Part):
    address: Annotated[str, AfterValidator(_ip)]
    port: Port


class FQDNEndpoint(Part):
    hostname: Name
    port: Port


class UnixEndpoint(Part):
    path: Annotated[str, Field(min_length=1, max_length=107)]


class BackendEndpoint(Part):
    ip: IPEndpoint | None = None
    fqdn: FQDNEndpoint | None = None
    unix: UnixEndpoint | None = None
    hostname: Name | None = None
    zone: str | None = None

    @model_validator(mode="after")
    def _is_one_of(self) -> Self:
        if sum(choice is not None for choice in (self.ip, self.fqdn, self.unix)) != 1:
            raise ValueError("an endpoint is exactly one of ip, fqdn or unix")
        return self


class BackendBody(Part):
    endpoints: Annotated[tuple[BackendEndpoint, ...], Field(min_length=1, max_length=64)]
    type: Literal["Endpoints", "DynamicResolver"] = "Endpoints"
    app_protocols: tuple[str, ...] = ()
    fallback: Annotated[bool, Field(strict=True)] = False
    tls: JsonValue = None


class Backend(ManifestObject):
    """Envoy Gateway's Backend: addresses outside Kubernetes' own discovery."""

    KIND: ClassVar[str] = "Backend"
    API_VERSIONS: ClassVar[tuple[str, ...]] = (f"{ENVOY_GATEWAY}/v1alpha1",)

    spec: BackendBody


class ServiceBody(Part):
    """Only the ports matter outside a cluster; what else a Service says is dropped when read."""

    ports: tuple[dict[str, Any], ...] = ()


class Service(ManifestObject):
    """A Kubernetes Service, found outside the cluster by its `egx.dev/address` annotation."""

    KIND: ClassVar[str] = "Service"
    API_VERSIONS: ClassVar[tuple[str, ...]] = ("v1",)

    spec: ServiceBody = ServiceBody()

    @property
    def address(self) -> str | None:
        """`host` or `host:port`; None for a Service that is only known inside a cluster."""
        return self.metadata.annotations.get(ADDRESS_ANNOTATION)


READ_KINDS: tuple[type[ManifestObject], ...] = (Gateway, HTTPRoute, Backend, Service)
"""In the order in which they are written; a gateway comes before what attaches to it."""
API_VERSION_OF = {kind.KIND: kind.API_VERSIONS[0] for kind in READ_KINDS}
