"""Header modifiers, rewrites and timeouts, as a real Envoy does them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deployments.xds.builders import Yaml, exact, prefix, route, to
from tests.deployments.xds.conftest import Serve
from tests.deployments.xds.tables import REPLACED_PATHS, REPLACED_PREFIXES

pytestmark = pytest.mark.envoy


def on_request(**actions: Any) -> Yaml:
    return {"type": "RequestHeaderModifier", "requestHeaderModifier": actions}


def on_response(**actions: Any) -> Yaml:
    return {"type": "ResponseHeaderModifier", "responseHeaderModifier": actions}


def rewrite(**fields: Any) -> Yaml:
    return {"type": "URLRewrite", "urlRewrite": fields}


def header(name: str, value: str) -> Yaml:
    return {"name": name, "value": value}


def test_request_headers_are_set_added_and_removed(serve: Serve) -> None:
    modifier = on_request(
        set=[header("X-Set", "new"), header("X-Fresh", "100%")],
        add=[header("X-Add", "second")],
        remove=["X-Gone"],
    )
    slot = serve(route(to("v1", filters=[modifier])))

    answer = slot.ask(headers={"x-set": "old", "x-add": "first", "x-gone": "1", "x-kept": "1"})

    assert answer.received("x-set") == ["new"]
    assert answer.received("x-fresh") == ["100%"]
    assert ",".join(answer.received("x-add")) == "first,second"
    assert answer.received("x-gone") == []
    assert answer.received("x-kept") == ["1"]


def test_response_headers_are_set_added_and_removed(serve: Serve) -> None:
    modifier = on_response(set=[header("X-Own", "gateway")], add=[header("X-New", "1")], remove=["Server", "Date"])
    slot = serve(route(to("v1", filters=[modifier])))

    answer = slot.ask()

    assert answer.headers.get_list("x-own") == ["gateway"]
    assert answer.headers["x-new"] == "1"
    assert "server" not in answer.headers


def test_the_backends_own_modifier_comes_after_the_rules(serve: Serve) -> None:
    rule = on_request(set=[header("A", "rule"), header("B", "rule"), header("C", "rule")])
    backend = on_request(set=[header("A", "backend")], add=[header("B", "backend")], remove=["C"])
    refs = [
        {"name": "v1", "port": 80, "filters": [backend, on_response(add=[header("From", "one")])]},
        {"name": "v2", "port": 80, "weight": 0},
    ]
    slot = serve(route({"filters": [rule], "backendRefs": refs}))

    answer = slot.ask(headers={"b": "client"})

    assert answer.received("a") == ["backend"]
    assert answer.received("b") == ["rule", "backend"]
    assert answer.received("c") == []
    assert answer.headers["from"] == "one"


def test_a_backends_modifier_acts_on_its_own_share_alone(serve: Serve) -> None:
    refs = [
        {"name": "v1", "port": 80, "filters": [on_request(set=[header("Marked", "yes")])]},
        {"name": "v2", "port": 80},
    ]
    slot = serve(route({"filters": [on_request(set=[header("Rule", "yes")])], "backendRefs": refs}))

    answers = [slot.ask() for _ in range(40)]

    marked = {(answer.backend, *answer.received("marked")) for answer in answers}
    assert marked == {("v1", "yes"), ("v2",)}
    assert all(answer.received("rule") == ["yes"] for answer in answers)


def test_envoy_adds_no_headers_of_its_own_to_what_the_client_gets(serve: Serve) -> None:
    answer = serve(route(to("v1"))).ask()

    assert [name for name in answer.headers if name.startswith("x-envoy")] == []
    assert answer.headers["server"].startswith("BaseHTTP")


@pytest.mark.parametrize(("target", "match", "replacement", "becomes"), REPLACED_PREFIXES)
def test_a_prefix_is_rewritten(serve: Serve, target: str, match: str, replacement: str, becomes: str) -> None:
    path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": replacement}
    slot = serve(route(to("v1", matches=[prefix(match)], filters=[rewrite(path=path)])))

    assert slot.ask(target).path == becomes


@pytest.mark.parametrize(("target", "replacement", "becomes"), REPLACED_PATHS)
def test_a_full_path_is_rewritten(serve: Serve, target: str, replacement: str, becomes: str) -> None:
    path = {"type": "ReplaceFullPath", "replaceFullPath": replacement}
    slot = serve(route(to("v1", filters=[rewrite(path=path)])))

    assert slot.ask(target).path == becomes


def test_the_host_is_rewritten(serve: Serve) -> None:
    path = {"type": "ReplaceFullPath", "replaceFullPath": "/two"}
    slot = serve(route(to("v1", matches=[exact("/one")], filters=[rewrite(hostname="one.test", path=path)])))

    answer = slot.ask("/one")

    assert answer.received("host") == ["one.test"]
    assert answer.path == "/two"


def test_a_request_timeout_answers_504_and_zero_means_none(serve: Serve) -> None:
    slot = serve(
        route(
            to("v1", matches=[exact("/slow")], timeouts={"request": "50ms"}),
            to("v2", matches=[prefix("/")], timeouts={"request": "0s"}),
        )
    )

    assert slot.ask("/slow").outcome == 504
    assert slot.ask("/quick").outcome == "v2"
