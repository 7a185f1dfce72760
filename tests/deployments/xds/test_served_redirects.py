"""RequestRedirect, as a real Envoy answers it (Gateway API: HTTPRequestRedirectFilter)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deployments.xds.builders import Yaml, listener, prefix, route
from tests.deployments.xds.conftest import Serve
from tests.deployments.xds.tables import REPLACED_PATHS, REPLACED_PREFIXES

pytestmark = pytest.mark.envoy

PORTS = [listener("http", port=80), listener("alt", port=8080)]


def redirect(**fields: Any) -> Yaml:
    return {"filters": [{"type": "RequestRedirect", "requestRedirect": fields}]}


@pytest.mark.parametrize(
    ("fields", "port", "location"),
    [
        ({}, 80, "http://a.example.test/x"),
        ({}, 8080, "http://a.example.test:8080/x"),
        ({"port": 80}, 80, "http://a.example.test/x"),
        ({"port": 80}, 8080, "http://a.example.test/x"),
        ({"port": 8443}, 80, "http://a.example.test:8443/x"),
        ({"scheme": "https"}, 80, "https://a.example.test/x"),
        ({"scheme": "https"}, 8080, "https://a.example.test/x"),
        ({"scheme": "http"}, 8080, "http://a.example.test/x"),
        ({"scheme": "https", "port": 443}, 8080, "https://a.example.test/x"),
        ({"scheme": "https", "port": 8443}, 8080, "https://a.example.test:8443/x"),
        ({"scheme": "https", "port": 80}, 80, "https://a.example.test:80/x"),
        ({"hostname": "b.test"}, 80, "http://b.test/x"),
        ({"hostname": "b.test"}, 8080, "http://b.test:8080/x"),
        ({"hostname": "b.test", "scheme": "https"}, 8080, "https://b.test/x"),
    ],
)
@pytest.mark.parametrize("hostnames", [[], ["*.example.test"], ["a.example.test"]])
@pytest.mark.parametrize("said", ["", ":8080"])
def test_the_location_names_scheme_host_and_port(
    serve: Serve, *, fields: Yaml, port: int, location: str, hostnames: list[str], said: str
) -> None:
    slot = serve(route(redirect(**fields), hostnames=hostnames), listeners=PORTS)

    answer = slot.ask("/x", host=f"a.example.test{said}", port=port)

    assert answer.status == 302
    assert answer.location is not None
    if said and hostnames != ["a.example.test"] and "hostname" not in fields:
        # Right, though the API would have the well-known port left out.
        assert _without_well_known_port(answer.location) == location
    else:
        assert answer.location == location


def _without_well_known_port(location: str) -> str:
    port = {"http": ":80/", "https": ":443/"}[location.partition(":")[0]]
    return location.replace(port, "/")


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_the_status_code_is_the_given_one(serve: Serve, code: int) -> None:
    slot = serve(route(redirect(statusCode=code)), listeners=PORTS)

    assert slot.ask("/").status == code


@pytest.mark.parametrize(("target", "match", "replacement", "becomes"), REPLACED_PREFIXES)
def test_a_prefix_is_replaced(serve: Serve, target: str, match: str, replacement: str, becomes: str) -> None:
    path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": replacement}
    slot = serve(route({"matches": [prefix(match)], **redirect(path=path)}), listeners=PORTS)

    assert slot.ask(target, host="a.test", port=80).location == f"http://a.test{becomes}"


@pytest.mark.parametrize(("target", "replacement", "becomes"), REPLACED_PATHS)
def test_a_full_path_is_replaced(serve: Serve, target: str, replacement: str, becomes: str) -> None:
    path = {"type": "ReplaceFullPath", "replaceFullPath": replacement}
    slot = serve(route(redirect(path=path)), listeners=PORTS)

    assert slot.ask(target, host="a.test", port=80).location == f"http://a.test{becomes}"


def test_a_redirect_may_modify_the_response(serve: Serve) -> None:
    rule = redirect(statusCode=301)
    added = {"add": [{"name": "cache-control", "value": "no-store"}]}
    rule["filters"].append({"type": "ResponseHeaderModifier", "responseHeaderModifier": added})

    assert serve(route(rule), listeners=PORTS).ask("/").headers["cache-control"] == "no-store"
