"""Routes and events as people read them."""

from __future__ import annotations

from typing import Any

from gateways.spec.objects import HTTPRoute
from monitoring import words


def rule(**fields: Any) -> words.RuleWords:
    written = {"metadata": {"name": "r"}, "spec": {"parentRefs": [{"name": "g"}], "rules": [fields]}}
    return words.rules(HTTPRoute.model_validate(written))[0]


def test_what_a_rule_takes() -> None:
    matches = [
        {},
        {"path": {"value": "/api/"}},
        {"path": {"type": "Exact", "value": "/a"}, "method": "POST"},
        {"path": {"type": "RegularExpression", "value": "/v[12]"}},
        {
            "headers": [{"name": "x-a", "value": "1"}],
            "queryParams": [{"type": "RegularExpression", "name": "q", "value": "b+"}],
        },
    ]
    assert rule(matches=matches).matches == (
        "/*",
        "/api/*",
        "POST /a exactly",
        "~ /v[12]",
        "/* header x-a = 1 query q ~ b+",
    )


def test_where_a_rule_sends_it() -> None:
    assert rule(backendRefs=[{"name": "web", "port": 80}]).backends == ("Service web:80",)
    two = [{"name": "web", "port": 80, "weight": 3}, {"name": "new", "namespace": "team", "port": 81, "weight": 1}]
    assert rule(backendRefs=two).backends == ("75% Service web:80", "25% Service team/new:81")
    assert rule(backendRefs=[{"name": "a", "weight": 0}, {"name": "b", "weight": 0}]).backends == (
        "0% Service a",
        "0% Service b",
    )


def test_what_a_rule_does_on_the_way() -> None:
    headers = {"set": [{"name": "x-a", "value": "1"}], "remove": ["x-b"]}
    path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/v2"}
    said = rule(
        matches=[{"path": {"value": "/v1"}}],
        filters=[
            {"type": "RequestHeaderModifier", "requestHeaderModifier": headers},
            {"type": "URLRewrite", "urlRewrite": {"hostname": "inside", "path": path}},
            {"type": "RequestMirror", "requestMirror": {}},
        ],
        timeouts={"request": "5s"},
    )
    assert said.filters == (
        "request headers: sets x-a, removes x-b",
        "rewrites to host inside, prefix /v2",
        "RequestMirror",
        "answered within 5s",
    )
    redirect = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "port": 8443, "statusCode": 301}}
    assert rule(filters=[redirect]).filters == ("redirects (301) to https, port 8443",)


def test_what_events_say() -> None:
    assert words.event("operation.step", {"index": 0, "name": "pull", "state": "failed", "error": "no"}) == (
        "pull failed: no"
    )
    assert words.event("operation.queued", {"by": "ann", "steps": {}, "error": ""}) == "by ann"
    assert words.event("operation.started", {"attempt": 2, "direction": "back"}) == "attempt 2, back"
    slot = {"slot": "blue", "state": "serving", "version": "1.40.0", "generation": 3}
    assert words.event("slot.changed", slot) == "blue serving, Envoy 1.40.0, generation 3"


def test_what_steps_find_out() -> None:
    assert words.value([1, 2]) == "1, 2"
    assert words.value({"open": 1, "ports": [80]}) == "open 1, ports 80"


def test_events_of_updates_are_sentences_and_what_is_missing_leaves_a_gap() -> None:
    assert words.event("soak.begun", {"version": "1.41.0", "seconds": 60}) == "Envoy 1.41.0 is watched for 60 s"
    assert words.event("soak.begun", {"version": "1.41.0", "seconds": 0}) == "Envoy 1.41.0 serves, and is not judged"
    assert words.event("backup.removed", {"backup": "{0.__class__}", "by": "{by}"}) == "{0.__class__}, by {by}"
    assert words.event("policy.changed", {}) == "updates are on , says "
