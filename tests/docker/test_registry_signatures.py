"""Signatures in a real registry, which has no API for referrers: the tags that stand for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployments.drivers.logins import Found
from egx_project.lib import images
from egx_project.lib.clock import SystemClock
from egx_project.lib.fetch import Politeness
from tests.docker.registries import Running, registry
from tests.updates.oci import signing
from updates.channels.oci.client import Registry
from updates.channels.oci.signatures import State, examine

pytestmark = pytest.mark.docker

IMAGE = "envoyproxy/gateway"
KEY = signing.new_key()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with registry(tmp_path_factory.mktemp("registry")) as started:
        yield started


def state(running: Running, digest: str, key: signing.Private) -> State:
    name = images.parse(f"{running.host}/{IMAGE}")
    with Registry(name, login=lambda _: Found(), clock=SystemClock(), politeness=Politeness(tries=1)) as opened:
        return examine(opened, digest, key=key.public_key()).state


@pytest.mark.parametrize("way", ["bundle", "simple"])
def test_a_signature_is_found_and_checked(running: Running, way: str) -> None:
    digest = running.push(IMAGE, f"v1.9.{len(way)}", content=way.encode()).digest
    assert state(running, digest, KEY) == State.UNSIGNED

    def blobs(content: bytes) -> dict[str, object]:
        return running.blob(IMAGE, content)

    if way == "bundle":
        bundle = signing.dsse(KEY, signing.statement(digest))
        running.refer(IMAGE, digest, signing.referrer(bundle, digest, blobs))
    else:
        running.manifest(IMAGE, f"{digest.replace(':', '-')}.sig", signing.simple(KEY, digest, blobs))
    assert state(running, digest, KEY) == State.SIGNED
    assert state(running, digest, signing.new_key()) == State.WRONG
