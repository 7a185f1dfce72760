"""An update to an image: its digest is pinned, it is for this machine, and signed as the policy wants it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.models import Operation
from gateways.models import Gateway
from tests.api.client import Api
from tests.builders import carry_out, fake_target, serve_gateway, set_policy
from tests.updates.oci import signing
from tests.updates.oci.shelf import IMAGE, Shelf, only, serving
from updates import ledger
from updates.channels.base import Sighting
from updates.models import Quarantine, Release, SeenDigest, UpdatePolicy
from updates.services import changes, checks

pytestmark = pytest.mark.django_db(transaction=True)

CHANNEL = "envoy-gateway"
KEY = signing.new_key()


@pytest.fixture
def shelf(settings: Any, tmp_path: Path) -> Iterator[Shelf]:
    settings.EGX_DATA_DIR = tmp_path
    settings.EGX_ENVOY_VERSION = "1.9.0"
    with serving() as running:
        settings.ENVOY_GATEWAY_IMAGE = f"{running.host}/{IMAGE}"
        yield running


@pytest.fixture
def image(shelf: Shelf) -> str:
    digest = shelf.offer("v1.9.1")
    checks.check(CHANNEL)
    return digest


@pytest.fixture
def gateway(shelf: Shelf) -> Gateway:
    return serve_gateway(target=fake_target())


@pytest.fixture
def key(settings: Any, tmp_path: Path) -> None:
    settings.EGX_SIGNATURE_KEY = signing.public_pem(KEY, tmp_path / "key.pem")


def sign(shelf: Shelf, image: str, by: signing.Private = KEY) -> None:
    shelf.put(signing.simple(by, image, shelf.put_blob), tag=f"{image.replace(':', '-')}.sig")


def asked(gateway: Gateway, signatures: str = "off") -> Operation:
    set_policy(gateway, channel=CHANNEL, signatures=signatures)
    return changes.request_update(gateway=gateway, version="1.9.1", by="tester")


def verified(operation: Operation) -> dict[str, Any]:
    result: dict[str, Any] = operation.steps.get(name="verify").result
    return result


def test_what_was_pulled_is_what_the_channel_has_pinned(shelf: Shelf, image: str, gateway: Gateway) -> None:
    operation = carry_out(asked(gateway))
    assert operation.state == "done", operation.error
    assert verified(operation) == {"digest": image, "image": f"{shelf.host}/{IMAGE}:v1.9.1@{image}"}
    assert Release.objects.get().digest == image


@pytest.mark.parametrize("policy", ["require", "required", "warn", "preferred"])
def test_an_image_signed_by_the_key_is_put_in(
    shelf: Shelf, image: str, gateway: Gateway, key: None, policy: str
) -> None:
    sign(shelf, image)
    operation = carry_out(asked(gateway, policy))
    assert operation.state == "done", operation.error
    assert verified(operation)["signature"] == "signed"
    assert Release.objects.get().signature == "signed"
    assert "notes" not in operation.result


@pytest.mark.parametrize("policy", ["require", "required"])
@pytest.mark.parametrize("state", ["unsigned", "unverifiable", "wrong"])
def test_a_policy_that_requires_a_signature_takes_no_other(
    shelf: Shelf, image: str, gateway: Gateway, settings: Any, tmp_path: Path, policy: str, state: str
) -> None:
    if state == "wrong":
        settings.EGX_SIGNATURE_KEY = signing.public_pem(signing.new_key(), tmp_path / "other.pem")
    if state != "unsigned":
        sign(shelf, image)
    operation = carry_out(asked(gateway, policy))
    assert operation.state == "rolled_back"
    assert "the policy wants" in operation.error
    assert not Quarantine.objects.exists(), "the engine itself is not at fault"


@pytest.mark.parametrize(("state", "note"), [("unsigned", "unsigned upstream"), ("unverifiable", "no key to check")])
def test_a_policy_that_prefers_one_notes_what_it_has_taken(
    shelf: Shelf, image: str, gateway: Gateway, state: str, note: str
) -> None:
    if state == "unverifiable":
        sign(shelf, image)
    operation = carry_out(asked(gateway, "preferred"))
    assert operation.state == "done", operation.error
    assert note in operation.result["notes"][0]
    release = Release.objects.get()
    assert (release.signature, note in release.signature_reason) == (state, True)


def test_what_people_call_a_policy_is_kept_as_what_it_is(gateway: Gateway) -> None:
    for word, kept in (("required", "require"), ("preferred", "warn"), ("off", "off")):
        answer = Api().send("PATCH", f"/gateways/{gateway.name}/policy", {"channel": CHANNEL, "signatures": word})
        assert (answer.status_code, answer.json()["signatures"]) == (200, kept)
        assert UpdatePolicy.objects.get().signatures == kept


def test_a_policy_that_prefers_a_signature_refuses_a_wrong_one(
    shelf: Shelf, image: str, gateway: Gateway, key: None
) -> None:
    sign(shelf, image, by=signing.new_key())
    operation = carry_out(asked(gateway, "preferred"))
    assert operation.state == "rolled_back"
    assert "none of its signatures is by the key" in operation.error


def test_a_policy_without_a_wish_does_not_look_for_signatures(
    shelf: Shelf, image: str, gateway: Gateway, key: None
) -> None:
    sign(shelf, image, by=signing.new_key())
    shelf.asked.clear()
    assert carry_out(asked(gateway)).state == "done"
    assert not [one for one in shelf.asked if "sig" in one.path or "referrers" in one.path]


@pytest.mark.parametrize(("policy", "ends"), [("require", "rolled_back"), ("warn", "done")])
def test_a_registry_that_is_away_is_no_signature_and_by_wish_no_hindrance(
    shelf: Shelf, image: str, gateway: Gateway, key: None, policy: str, ends: str
) -> None:
    sign(shelf, image)
    operation = asked(gateway, policy)
    shelf.behaviour = only("/", 403)
    assert carry_out(operation).state == ends


def test_a_key_that_cannot_be_read_lets_nothing_through(
    shelf: Shelf, image: str, gateway: Gateway, settings: Any
) -> None:
    settings.EGX_SIGNATURE_KEY = "/nowhere/key.pem"
    operation = carry_out(asked(gateway, "warn"))
    assert operation.state == "rolled_back"
    assert "EGX_SIGNATURE_KEY" in operation.error


def test_an_image_for_another_platform_is_refused(shelf: Shelf, gateway: Gateway) -> None:
    for number in range(2, 6):  # newer ones, so that nobody has looked at this one's manifests
        shelf.offer(f"v1.9.{number}", content=bytes(number))
    shelf.offer("v1.9.1", architecture="s390x")
    checks.check(CHANNEL)
    operation = carry_out(asked(gateway))
    assert operation.state == "rolled_back"
    assert "is for linux/s390x, and not for" in operation.error


def test_a_tag_that_moves_between_asking_and_doing_is_still_the_digest_that_was_asked_for(
    shelf: Shelf, image: str, gateway: Gateway
) -> None:
    operation = asked(gateway)
    shelf.offer("v1.9.1", content=b"other bytes")
    checks.check(CHANNEL)
    done = carry_out(operation)
    assert done.state == "done", done.error
    assert verified(done)["digest"] == image


def test_a_digest_that_the_ledger_does_not_know_for_the_tag_is_refused(
    shelf: Shelf, image: str, gateway: Gateway
) -> None:
    operation = asked(gateway)
    repository = f"{shelf.host}/{IMAGE}"
    SeenDigest.objects.all().delete()
    ledger.note(CHANNEL, [Sighting(repository, "v1.9.1", "sha256:" + "0" * 64)])
    done = carry_out(operation)
    assert done.state == "rolled_back"
    assert "has pointed at another digest" in done.error


def test_what_was_pulled_with_another_digest_is_refused(
    shelf: Shelf, image: str, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deployments.drivers.fake import FakeDriver

    pull = FakeDriver.pull
    operation = asked(gateway)
    monkeypatch.setattr(FakeDriver, "pull", lambda self, engine, *_: pull(self, type(engine)(version=engine.version)))
    done = carry_out(operation)
    assert done.state == "rolled_back"
    assert "was pulled with digest sha256:1.9.1" in done.error
