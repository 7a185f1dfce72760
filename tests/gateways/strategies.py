"""Valid objects of every kind that EGX reads, for property tests."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gateways.spec import objects
from gateways.spec.base import ManifestObject, ObjectMeta

T = TypeVar("T")
V = TypeVar("V", objects.HeaderMatch, objects.QueryParamMatch)

# Words that a careless writer of YAML leaves bare, and that then mean something else.
TRAPS = (
    "", " ", "~", "null", "y", "N", "yes", "off", "true", "1", "010", "0x1f", "0o17", "1e3", "1_000", ".5",
    "1:30", ".inf", "2020-01-01", "2001-12-14 21:59:43", "<<", "=", "-", "---", "...", "- a", "a: b", "a #b",
    "#", "*a", "&a", "!x", "%TAG", "@x", "`x", "'", '"', "{", "[", "|", ">", "?", ":", "a\nb", "a\n", "\n",
    " a", "a ", "\t", "a\r\nb", "\x85", "\u2028", "\ufeff", "\ufffe", "é", "😀", "\\", "a" * 300,
    "a " * 100, "?" + "a" * 200,
)  # fmt: skip

_characters = st.characters(exclude_categories=["Cs", "Cc"])
texts = st.one_of(st.sampled_from(TRAPS), st.text(_characters, max_size=20))
"""Any text but with control characters, which a manifest may not have."""

labels = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
names = st.one_of(labels, st.lists(labels, min_size=2, max_size=3).map(".".join))
hostnames = st.one_of(names, names.map("*.{}".format))
ports = st.integers(1, 65535)
durations = st.from_regex(r"([0-9]{1,5}(h|m|s|ms)){1,4}", fullmatch=True)
header_names = st.from_regex(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,12}", fullmatch=True)
header_values = texts.filter(lambda text: not set(text) & set("\x00\r\n"))
string_maps = st.dictionaries(texts, texts, max_size=3)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
json_objects = st.dictionaries(texts, json_values, max_size=3)


def some(part: type[T], **fields: SearchStrategy[Any]) -> SearchStrategy[T]:
    """The part with any subset of these optional fields, as an author may leave each of them out."""
    return st.fixed_dictionaries({}, optional=fields).map(lambda given: part(**given))


def with_some(
    part: type[T], required: dict[str, SearchStrategy[Any]], **fields: SearchStrategy[Any]
) -> SearchStrategy[T]:
    return st.fixed_dictionaries(required, optional=fields).map(lambda given: part(**given))


def _tuples(items: SearchStrategy[T], *, least: int = 0, most: int = 3) -> SearchStrategy[tuple[T, ...]]:
    return st.lists(items, min_size=least, max_size=most).map(tuple)


def metadata() -> SearchStrategy[ObjectMeta]:
    return with_some(ObjectMeta, {"name": names}, namespace=labels, labels=string_maps, annotations=string_maps)


# --- Gateway


def _listeners() -> SearchStrategy[tuple[objects.Listener, ...]]:
    namespaces = some(
        objects.RouteNamespaces,
        from_=st.sampled_from(["All", "Selector", "Same", "None"]),
        selector=json_objects,
    )
    kinds = _tuples(with_some(objects.RouteKind, {"kind": texts}, group=texts))
    listener = with_some(
        objects.Listener,
        {"name": names, "port": ports, "protocol": texts.filter(lambda text: 1 <= len(text) <= 255)},
        hostname=st.none() | hostnames,
        tls=json_objects,
        allowed_routes=some(objects.AllowedRoutes, namespaces=namespaces, kinds=kinds),
    )
    unique = st.lists(listener, min_size=1, max_size=3, unique_by=lambda item: item.name)
    return unique.map(tuple)


@cache
def _gateways() -> SearchStrategy[objects.Gateway]:
    body = with_some(
        objects.GatewayBody,
        {"gateway_class_name": names, "listeners": _listeners()},
        addresses=_tuples(json_objects),
        infrastructure=json_objects,
        backend_tls=json_objects,
        default_scope=texts,
    )
    return st.builds(objects.Gateway, metadata=metadata(), spec=body)


# --- HTTPRoute

_methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"])
_regexes = st.sampled_from(["/v[0-9]+", "(a|b)*", "^x$", "[^/]+", "yes", "1"])
_segments = st.from_regex(r"[a-zA-Z0-9_~!$&'()*+,;=:@-]{1,8}", fullmatch=True)
_paths = st.lists(_segments, max_size=3).map(lambda parts: "/" + "/".join(parts))


def _path_matches() -> SearchStrategy[objects.PathMatch]:
    plain = some(objects.PathMatch, type=st.sampled_from(["Exact", "PathPrefix"]), value=_paths)
    regex = st.builds(objects.PathMatch, type=st.just("RegularExpression"), value=_regexes)
    return plain | regex


def _value_matches(kind: type[V]) -> SearchStrategy[tuple[V, ...]]:
    exact = with_some(kind, {"name": header_names, "value": texts.filter(bool)}, type=st.just("Exact"))
    regex = with_some(kind, {"name": header_names, "value": _regexes, "type": st.just("RegularExpression")})
    return _tuples(exact | regex, most=2)


def _matches(
    path: SearchStrategy[objects.PathMatch], *, most: int = 2
) -> SearchStrategy[tuple[objects.HTTPRouteMatch, ...]]:
    match = some(
        objects.HTTPRouteMatch,
        path=path,
        headers=_value_matches(objects.HeaderMatch),
        query_params=_value_matches(objects.QueryParamMatch),
        method=st.none() | _methods,
    )
    return _tuples(match, most=most)


_headers = _tuples(st.builds(objects.HTTPHeader, name=header_names, value=header_values), most=2)
_modifiers = some(objects.HeaderModifier, set=_headers, add=_headers, remove=_tuples(header_names, most=2))
_full_paths = st.builds(objects.PathModifier, type=st.just("ReplaceFullPath"), replace_full_path=_paths)
_prefixes = st.builds(objects.PathModifier, type=st.just("ReplacePrefixMatch"), replace_prefix_match=_paths)
_redirects = some(
    objects.RequestRedirect,
    scheme=st.sampled_from(["http", "https"]),
    hostname=names,
    path=_full_paths,
    port=ports,
    status_code=st.sampled_from([301, 302, 303, 307, 308]),
)


def _filter(type_: str, field: str, value: SearchStrategy[Any]) -> SearchStrategy[objects.HTTPRouteFilter]:
    return st.fixed_dictionaries({"type": st.just(type_), field: value}).map(
        lambda given: objects.HTTPRouteFilter(**given)
    )


def _filters(*, redirect: bool) -> SearchStrategy[tuple[objects.HTTPRouteFilter, ...]]:
    ending = (
        _filter("RequestRedirect", "request_redirect", _redirects)
        if redirect
        else _filter("URLRewrite", "url_rewrite", some(objects.URLRewrite, hostname=names, path=_full_paths))
    )
    any_filter = st.one_of(
        _filter("RequestHeaderModifier", "request_header_modifier", _modifiers),
        _filter("ResponseHeaderModifier", "response_header_modifier", _modifiers),
        _filter("RequestMirror", "request_mirror", json_objects),
        _filter("ExtensionRef", "extension_ref", json_objects),
        _filter("CORS", "cors", json_objects),
        ending,
    )
    return st.lists(any_filter, max_size=3, unique_by=lambda item: item.type).map(tuple)


def _rules() -> SearchStrategy[objects.HTTPRouteRule]:
    timeouts = some(objects.HTTPRouteTimeouts, request=durations, backend_request=durations)
    backend_ref = with_some(
        objects.HTTPBackendRef,
        {"name": names},
        group=texts,
        kind=texts,
        namespace=labels,
        port=ports,
        weight=st.integers(0, 1_000_000),
        filters=_filters(redirect=False),
    )
    common: dict[str, SearchStrategy[Any]] = {
        "name": names, "matches": _matches(_path_matches()), "timeouts": timeouts, "retry": json_objects,
        "session_persistence": json_objects,
    }  # fmt: skip
    forwarding = common | {"filters": _filters(redirect=False), "backend_refs": _tuples(backend_ref, most=2)}
    redirecting = common | {"filters": _filters(redirect=True)}
    prefixed = st.builds(
        objects.HTTPRouteRule,
        matches=_matches(some(objects.PathMatch, value=_paths), most=1),
        filters=_tuples(
            _filter("URLRewrite", "url_rewrite", st.builds(objects.URLRewrite, path=_prefixes)),
            least=1,
            most=1,
        ),
    )
    return some(objects.HTTPRouteRule, **forwarding) | some(objects.HTTPRouteRule, **redirecting) | prefixed


@cache
def _http_routes() -> SearchStrategy[objects.HTTPRoute]:
    parent = with_some(
        objects.ParentRef,
        {"name": names},
        group=texts,
        kind=texts,
        namespace=labels,
        section_name=names,
        port=ports,
    )
    body = with_some(
        objects.HTTPRouteBody,
        {"parent_refs": _tuples(parent, least=1, most=2)},
        hostnames=_tuples(hostnames),
        rules=_tuples(_rules(), least=1),
    )
    return st.builds(objects.HTTPRoute, metadata=metadata(), spec=body)


# --- Backends


@cache
def _backends() -> SearchStrategy[objects.Backend]:
    addresses = st.ip_addresses().map(str)
    extra: dict[str, SearchStrategy[Any]] = {"hostname": st.none() | names, "zone": texts}
    ip = st.builds(objects.IPEndpoint, address=addresses, port=ports)
    fqdn = st.builds(objects.FQDNEndpoint, hostname=names, port=ports)
    unix = st.builds(objects.UnixEndpoint, path=texts.filter(lambda text: 1 <= len(text) <= 107))
    endpoint = st.one_of(
        with_some(objects.BackendEndpoint, {"ip": ip}, **extra),
        with_some(objects.BackendEndpoint, {"fqdn": fqdn}, **extra),
        with_some(objects.BackendEndpoint, {"unix": unix}, **extra),
    )
    body = with_some(
        objects.BackendBody,
        {"endpoints": _tuples(endpoint, least=1)},
        type=st.sampled_from(["Endpoints", "DynamicResolver"]),
        app_protocols=_tuples(texts),
        fallback=st.booleans(),
        tls=json_objects,
    )
    return st.builds(objects.Backend, metadata=metadata(), spec=body)


def service_addresses() -> SearchStrategy[str]:
    hosts = st.one_of(
        names.filter(lambda name: not name.rpartition(".")[2].isdigit()),
        st.ip_addresses(v=4).map(str),
        st.ip_addresses(v=6).map("[{}]".format),
    )
    return st.one_of(hosts, st.builds("{}:{}".format, hosts, ports))


@cache
def _services() -> SearchStrategy[objects.Service]:
    addressed = st.builds(
        lambda meta, address: meta.model_copy(
            update={"annotations": {**meta.annotations, objects.ADDRESS_ANNOTATION: address}}
        ),
        metadata(),
        service_addresses(),
    )
    return st.fixed_dictionaries(
        {"metadata": metadata() | addressed},
        optional={"spec": st.builds(objects.ServiceBody, ports=_tuples(json_objects))},
    ).map(lambda given: objects.Service(**given))


# --- What tests use. As functions of their own, a failing test prints their names and not all their parts.


@st.composite
def gateways(draw: st.DrawFn) -> objects.Gateway:
    return draw(_gateways())


@st.composite
def http_routes(draw: st.DrawFn) -> objects.HTTPRoute:
    return draw(_http_routes())


@st.composite
def backends(draw: st.DrawFn) -> objects.Backend:
    return draw(_backends())


@st.composite
def services(draw: st.DrawFn) -> objects.Service:
    return draw(_services())


def manifest_objects() -> SearchStrategy[ManifestObject]:
    return st.one_of(gateways(), http_routes(), backends(), services())
