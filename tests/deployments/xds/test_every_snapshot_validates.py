"""Whatever a snapshot says: it is refused by name, or Envoy takes all that comes of it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from deployments.drivers.process.xds.capabilities import refusals
from deployments.drivers.process.xds.resource import Resource
from deployments.drivers.process.xds.slot import check_bootstrap, slot_resources
from gateways.spec.snapshot import AttachedRoute, Endpoint, GatewaySnapshot
from tests.deployments.xds.builders import Yaml, listener, route, service, snapshot
from tests.deployments.xds.envoys import validate

pytestmark = pytest.mark.envoy

HOSTNAMES = ["*.test", "a.test", "*.b.test", "c.b.test", "other.example"]
SEGMENTS = st.text("abcXYZ019-._~!$&'()*+,;=:@", min_size=1, max_size=8).filter(lambda text: text not in {".", ".."})
PATHS = st.lists(SEGMENTS, max_size=3).map(lambda parts: "/" + "/".join(parts))
REGEXES = st.sampled_from(["/v[0-9]+/.*", ".*", "(?i)/abc", "/a{1,900}b{1,900}", r"/\d+\.html", "[[:alpha:]]+"])
NAMES = st.text("abcDEF-_.!#$%&'*+^`|~09", min_size=1, max_size=12)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1, max_size=20)
DURATIONS = st.sampled_from(["0s", "10ms", "1h30m", "99999h99999h"])


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Yaml]:
    return st.fixed_dictionaries({}, optional=fields)


def value_matches() -> st.SearchStrategy[list[Yaml]]:
    exact = st.fixed_dictionaries({"name": NAMES, "value": VALUES})
    regex = st.fixed_dictionaries({"type": st.just("RegularExpression"), "name": NAMES, "value": REGEXES})
    return st.lists(exact | regex, max_size=3)


def path_matches() -> st.SearchStrategy[Yaml]:
    plain = st.fixed_dictionaries({"type": st.sampled_from(["Exact", "PathPrefix"]), "value": PATHS})
    return plain | st.fixed_dictionaries({"type": st.just("RegularExpression"), "value": REGEXES})


MATCHES = optional(
    path=path_matches(),
    headers=value_matches(),
    queryParams=value_matches(),
    method=st.sampled_from(["GET", "POST", "TRACE"]),
)
MODIFIERS = optional(
    set=st.lists(st.fixed_dictionaries({"name": NAMES, "value": VALUES | st.just("")}), max_size=2),
    add=st.lists(st.fixed_dictionaries({"name": NAMES, "value": VALUES}), max_size=2),
    remove=st.lists(NAMES, max_size=2),
)
PATH_MODIFIERS = st.one_of(
    st.fixed_dictionaries({"type": st.just("ReplaceFullPath"), "replaceFullPath": PATHS | st.just("")}),
    st.fixed_dictionaries({"type": st.just("ReplacePrefixMatch"), "replacePrefixMatch": PATHS | st.just("")}),
)
REDIRECTS = optional(
    scheme=st.sampled_from(["http", "https"]),
    hostname=st.just("there.test"),
    path=PATH_MODIFIERS,
    port=st.sampled_from([80, 443, 8443]),
    statusCode=st.sampled_from([301, 302, 303, 307, 308]),
)
REWRITES = optional(hostname=st.just("there.test"), path=PATH_MODIFIERS)


@st.composite
def rules(draw: st.DrawFn) -> Yaml:
    filters: list[Yaml] = []
    for kind in draw(st.sets(st.sampled_from(["Request", "Response"]))):
        field = f"{kind.lower()}HeaderModifier"
        filters.append({"type": f"{kind}HeaderModifier", field: draw(MODIFIERS)})
    rule: Yaml = {"filters": filters, "matches": draw(st.lists(MATCHES, max_size=2))}
    if draw(st.booleans()):
        filters.append({"type": "RequestRedirect", "requestRedirect": draw(REDIRECTS)})
    else:
        rule["backendRefs"] = draw(st.lists(backend_refs(), max_size=3))
        rule["timeouts"] = draw(optional(request=DURATIONS))
        filters.append({"type": "URLRewrite", "urlRewrite": draw(REWRITES)})
    return rule


@st.composite
def backend_refs(draw: st.DrawFn) -> Yaml:
    name = draw(st.sampled_from(["ip", "dns", "unix", "none", "local", "missing"]))
    ref: Yaml = {"name": name, "port": 80, "weight": draw(st.sampled_from([0, 1, 1_000_000]))}
    if draw(st.booleans()):
        ref["filters"] = [{"type": "RequestHeaderModifier", "requestHeaderModifier": draw(MODIFIERS)}]
    return ref


@st.composite
def routes(draw: st.DrawFn) -> AttachedRoute | None:
    hostnames = draw(st.lists(st.sampled_from(HOSTNAMES), max_size=3, unique=True))
    try:
        return route(
            *draw(st.lists(rules(), min_size=1, max_size=2)),
            name=draw(st.sampled_from(["a", "b", "c"])),
            hostnames=hostnames,
            age=draw(st.integers(0, 3)),
        )
    except ValidationError:  # such as a prefix to replace where no prefix is matched
        return None


@st.composite
def snapshots(draw: st.DrawFn) -> GatewaySnapshot:
    places = draw(
        st.lists(
            st.tuples(st.sampled_from([80, 8080]), st.sampled_from([None, *HOSTNAMES])),
            min_size=1,
            max_size=4,
            unique=True,
        )
    )
    attached = [each for each in draw(st.lists(routes(), max_size=4)) if each is not None]
    return snapshot(
        *attached,
        listeners=[listener(f"l{i}", port=port, hostname=name) for i, (port, name) in enumerate(places)],
        backends=[
            service("ip", Endpoint(host="10.0.0.1", port=80), Endpoint(host="::1", port=80)),
            service("dns", Endpoint(host="web.test", port=80), Endpoint(host="10.0.0.1", port=80)),
            service("unix", Endpoint(unix="/run/web.sock")),
            service("local", Endpoint(host="localhost", port=80)),
            service("none"),
        ],
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(snapshots())
def test_envoy_takes_every_snapshot_that_is_not_refused(wanted: GatewaySnapshot) -> None:
    assume(not any(problem.severity == "error" for problem in refusals(wanted)))
    resources = slot_resources(wanted, directory="s")

    with tempfile.TemporaryDirectory() as folder:
        assert validate(check_bootstrap(resources, directory="s"), Path(folder)) == ""
    assert [_ports(resources.routes), _ports(resources.listeners)] == [list(wanted.ports)] * 2


def _ports(resources: tuple[Resource, ...]) -> list[int]:
    return [int(resource["name"].removeprefix("port-")) for resource in resources]
