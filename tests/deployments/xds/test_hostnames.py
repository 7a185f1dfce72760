"""How hostnames compare (Gateway API: HTTPRouteSpec.hostnames, Listener.hostname)."""

from __future__ import annotations

import pytest

from deployments.drivers.process.xds.hostnames import covers, intersection, owner


@pytest.mark.parametrize(
    ("listener", "route", "common"),
    [
        ("*", "*", "*"),
        ("*", "a.example.com", "a.example.com"),
        ("a.example.com", "*", "a.example.com"),
        ("test.example.com", "test.example.com", "test.example.com"),
        ("test.example.com", "*.example.com", "test.example.com"),
        ("test.example.com", "other.example.com", None),
        ("*.example.com", "*", "*.example.com"),
        ("*.example.com", "*.example.com", "*.example.com"),
        ("*.example.com", "test.example.com", "test.example.com"),
        ("*.example.com", "foo.test.example.com", "foo.test.example.com"),
        ("*.example.com", "*.test.example.com", "*.test.example.com"),
        ("*.test.example.com", "*.example.com", "*.test.example.com"),
        ("*.example.com", "*.com", "*.example.com"),
        ("*.example.com", "example.com", None),
        ("*.example.com", "test.example.net", None),
        ("*.example.com", "test.notexample.com", None),
        ("*.example.com", "*.example.net", None),
    ],
)
def test_the_names_in_common_are_the_narrower_hostname_or_none(listener: str, route: str, common: str | None) -> None:
    assert intersection(listener, route) == common
    assert intersection(route, listener) == common


@pytest.mark.parametrize(
    ("hostname", "belongs_to"),
    [
        ("abc.foo.example.com", "abc.foo.example.com"),
        ("x.foo.example.com", "*.foo.example.com"),
        ("a.b.foo.example.com", "*.foo.example.com"),
        ("*.foo.example.com", "*.foo.example.com"),
        ("*.x.foo.example.com", "*.foo.example.com"),
        ("bar.example.com", "*.example.com"),
        ("*.example.com", "*.example.com"),
        ("example.com", "*"),
        ("*", "*"),
    ],
)
def test_requests_belong_to_the_most_specific_listener(hostname: str, belongs_to: str) -> None:
    listeners = ["*", "*.example.com", "*.foo.example.com", "abc.foo.example.com"]

    assert owner(listeners, hostname) == belongs_to


def test_a_wildcard_does_not_cover_every_name() -> None:
    assert not covers("*.example.com", "*")
    assert owner(["*.example.com"], "example.org") is None
