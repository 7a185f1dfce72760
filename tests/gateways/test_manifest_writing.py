from __future__ import annotations

from random import Random

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateways.manifests.reader import Source, read
from gateways.manifests.shape import without_nulls
from gateways.manifests.writer import document, write
from gateways.spec.base import ManifestObject, ObjectMeta
from gateways.spec.objects import (
    Backend,
    BackendBody,
    BackendEndpoint,
    FQDNEndpoint,
    Gateway,
    GatewayBody,
    Listener,
    Service,
)
from tests.gateways import strategies

quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def read_back(text: str) -> tuple[ManifestObject, ...]:
    return read([Source("written.yaml", text)]).objects


def reads_back(item: ManifestObject) -> None:
    text = write([item])
    assert read_back(text) == (item,)
    assert write(read_back(text)) == text


@quick
@given(strategies.gateways())
def test_a_gateway_reads_back_as_it_was_written(item: Gateway) -> None:
    reads_back(item)


@quick
@given(strategies.http_routes())
def test_a_route_reads_back_as_it_was_written(item: ManifestObject) -> None:
    reads_back(item)


@quick
@given(strategies.backends())
def test_a_backend_reads_back_as_it_was_written(item: ManifestObject) -> None:
    reads_back(item)


@quick
@given(strategies.services())
def test_a_service_reads_back_as_it_was_written(item: ManifestObject) -> None:
    reads_back(item)


@quick
@given(st.lists(strategies.manifest_objects(), max_size=5, unique_by=lambda item: item.ref), st.randoms())
def test_the_order_in_which_objects_are_given_does_not_matter(items: list[ManifestObject], random: Random) -> None:
    text = write(items)
    shuffled = list(items)
    random.shuffle(shuffled)
    assert write(shuffled) == text
    assert write(read_back(text)) == text
    assert {item.ref: item for item in read_back(text)} == {item.ref: item for item in items}


@quick
@given(strategies.manifest_objects())
def test_other_readers_of_yaml_see_the_same(item: ManifestObject) -> None:
    assert yaml.safe_load(write([item])) == document(item)


@pytest.mark.parametrize("text", strategies.TRAPS)
def test_words_with_a_meaning_in_yaml_stay_text(text: str) -> None:
    reads_back(Service(metadata=ObjectMeta(name="a", labels={text: text})))


def test_objects_stand_by_kind_then_namespace_then_name() -> None:
    def backend(name: str, namespace: str) -> Backend:
        endpoint = BackendEndpoint(fqdn=FQDNEndpoint(hostname="a", port=1))
        return Backend(metadata=ObjectMeta(name=name, namespace=namespace), spec=BackendBody(endpoints=(endpoint,)))

    service = Service(metadata=ObjectMeta(name="a"))
    text = write([service, backend("a", "b"), backend("b", "a"), backend("a", "a")])
    assert [str(item.ref) for item in read_back(text)] == [
        "Backend a/a",
        "Backend a/b",
        "Backend b/a",
        "Service a",
    ]


def test_yaml_is_written_as_people_write_it() -> None:
    text = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: eg
  namespace: default
  labels:
    a: 'yes'
    b: plain
spec:
  gatewayClassName: eg
  listeners:
  - name: http
    port: 80
    protocol: HTTP
    allowedRoutes:
      namespaces:
        from: All
"""
    assert write(read_back(text)) == text


def test_keys_stand_in_the_order_of_the_api() -> None:
    text = """\
spec: {listeners: [{protocol: HTTP, tls: {b: 1, a: 2}, port: 80, name: http}], gatewayClassName: eg}
metadata: {annotations: {b: one, a: two}, name: eg}
kind: Gateway
apiVersion: gateway.networking.k8s.io/v1beta1
"""
    assert (
        write(read_back(text))
        == """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: eg
  namespace: default
  annotations:
    a: two
    b: one
spec:
  gatewayClassName: eg
  listeners:
  - name: http
    port: 80
    protocol: HTTP
    tls:
      a: 2
      b: 1
"""
    )


@quick
@given(strategies.manifest_objects())
def test_only_what_the_author_set_is_written(item: ManifestObject) -> None:
    as_written = without_nulls(type(item), item.as_written())
    assert isinstance(as_written, dict)
    assert document(item).get("spec") == as_written.get("spec")


def test_a_field_that_is_none_is_not_written() -> None:
    listener = Listener(name="http", port=80, protocol="HTTP", hostname=None)
    body = GatewayBody(gateway_class_name="eg", listeners=(listener,), default_scope=None)
    assert "null" not in write([Gateway(metadata=ObjectMeta(name="eg"), spec=body)])


def test_nothing_is_written_for_no_objects() -> None:
    assert write([]) == ""
