from __future__ import annotations

import pytest
from hypothesis import given

from egx_project.lib.errors import BadInputError
from gateways.manifests.services_option import parse_service_option
from gateways.spec.base import ObjectRef
from tests.gateways import strategies


def test_a_name_and_an_address_are_a_service() -> None:
    service = parse_service_option("echo=localhost:3001")
    assert service.ref == ObjectRef(kind="Service", namespace="default", name="echo")
    assert service.address == "localhost:3001"


def test_a_namespace_may_stand_before_the_name() -> None:
    assert parse_service_option("shop/echo=[::1]:80").ref == ObjectRef(kind="Service", namespace="shop", name="echo")


def test_the_port_may_be_left_to_the_route() -> None:
    assert parse_service_option("echo=db_1.local").address == "db_1.local"


@given(strategies.service_addresses())
def test_every_address_that_an_annotation_may_have_is_taken(address: str) -> None:
    assert parse_service_option(f"a={address}").address == address


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("echo", "has no '='"),
        ("echo=", "the address '' must be host or host:port"),
        ("=a:1", "the name '' must be"),
        ("Echo=a:1", "the name 'Echo' must be"),
        ("/echo=a:1", "the namespace '' must be"),
        ("a.b/echo=a:1", "the namespace 'a.b' must be"),
        ("a/b/echo=a:1", "the namespace 'a/b' must be"),
        ("echo=http://a:1", "the address 'http://a:1' must be"),
        ("echo=a:99999", "the address 'a:99999' must be"),
        ("echo=a:b", "the address 'a:b' must be"),
        ("echo=8080", "the address '8080' must be"),
        ("echo=a:1=b", "the address 'a:1=b' must be"),
        ("echo=a:1\n", "must be host or host:port"),
        ("echo=[::1:80", "must be host or host:port"),
    ],
)
def test_what_is_malformed_is_refused_with_the_right_form(text: str, message: str) -> None:
    with pytest.raises(BadInputError) as raised:
        parse_service_option(text)
    assert message in raised.value.message
    assert raised.value.hint == "write name=host:port or namespace/name=host:port"
