"""Signatures of images: really made, really checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from deployments.drivers.logins import Found
from egx_project.lib import images
from egx_project.lib.clock import SystemClock
from egx_project.lib.errors import BadInputError
from egx_project.lib.fetch import Politeness
from tests.updates.oci import signing
from tests.updates.oci.shelf import IMAGE, Shelf, serving
from updates.channels.oci.client import Registry
from updates.channels.oci.signatures import CERTIFICATE, IN_TOTO, State, Verdict, examine, load_key

KEYS: dict[str, signing.Private] = {
    "P-256": signing.new_key(),
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "RSA": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
}
KEY, OTHER = KEYS["P-256"], signing.new_key()
ATTESTATION = "https://slsa.dev/provenance/v1"


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with serving() as running:
        running.referrers = True
        yield running


@pytest.fixture
def image(shelf: Shelf) -> str:
    return shelf.offer("v1.9.0")


def judged(shelf: Shelf, image: str, key: signing.Private | None = KEY) -> Verdict:
    name = images.parse(f"{shelf.host}/{IMAGE}")
    public = key.public_key() if key else None
    with Registry(name, login=lambda _: Found(), clock=SystemClock(), politeness=Politeness(tries=1)) as registry:
        return examine(registry, image, key=public)


def attach(shelf: Shelf, image: str, bundle: dict[str, Any], **more: Any) -> None:
    """By the API where the registry has one, else by the tag that stands for it."""
    document = signing.referrer(bundle, image, shelf.put_blob, **more)
    digest = shelf.put(document)
    if not shelf.referrers:
        index = shelf.referring(image)
        assert [entry["digest"] for entry in index["manifests"]] == [digest]
        shelf.put(index, tag=image.replace(":", "-"))


def attach_simple(shelf: Shelf, image: str, document: dict[str, Any]) -> None:
    shelf.put(document, tag=f"{image.replace(':', '-')}.sig")


def test_an_image_without_a_signature_is_unsigned_upstream(shelf: Shelf, image: str) -> None:
    assert judged(shelf, image).state == State.UNSIGNED
    assert judged(shelf, image, None).state == State.UNSIGNED
    assert "unsigned upstream" in judged(shelf, image).reason


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("way", ["bundle", "bytes", "simple"])
@pytest.mark.parametrize("api", [True, False], ids=["api", "tag"])
def test_a_signature_by_the_key_is_one(shelf: Shelf, image: str, kind: str, way: str, *, api: bool) -> None:
    shelf.referrers = api
    key = KEYS[kind]
    if way == "simple":
        attach_simple(shelf, image, signing.simple(key, image, shelf.put_blob))
    elif way == "bundle":
        attach(shelf, image, signing.dsse(key, signing.statement(image)))
    else:
        attach(shelf, image, signing.over_bytes(key, shelf.documents[image][1]))
    assert judged(shelf, image, key).state == State.SIGNED
    assert judged(shelf, image, OTHER).state == State.WRONG
    assert judged(shelf, image, None).state == State.UNVERIFIABLE


def test_one_signature_by_the_key_among_others_will_do(shelf: Shelf, image: str) -> None:
    attach(shelf, image, signing.dsse(OTHER, signing.statement(image)))
    attach(shelf, image, {"mediaType": signing.BUNDLE})
    attach(shelf, image, signing.dsse(KEY, signing.statement(image)))
    assert judged(shelf, image).state == State.SIGNED


@pytest.mark.parametrize("way", ["bundle", "simple"])
def test_a_signature_of_another_image_is_none_of_this_one(shelf: Shelf, image: str, way: str) -> None:
    another = shelf.offer("v1.8.0", content=b"another")
    if way == "simple":
        attach_simple(shelf, image, signing.simple(KEY, another, shelf.put_blob))
    else:
        attach(shelf, image, signing.dsse(KEY, signing.statement(another)))
    assert judged(shelf, image).state == State.WRONG


def test_a_referrer_of_another_image_says_nothing_of_this_one(shelf: Shelf, image: str) -> None:
    another = shelf.offer("v1.8.0", content=b"another")
    shelf.referrers = False
    shelf.put(signing.referrer(signing.dsse(KEY, signing.statement(image)), another, shelf.put_blob))
    shelf.put(shelf.referring(another), tag=image.replace(":", "-"))
    assert judged(shelf, image).state == State.UNSIGNED


def test_a_payload_that_was_changed_is_not_signed(shelf: Shelf, image: str) -> None:
    bundle = signing.dsse(KEY, signing.statement(shelf.offer("v1.8.0", content=b"another")))
    bundle["dsseEnvelope"]["payload"] = signing.text(signing.statement(image))
    attach(shelf, image, bundle)
    assert judged(shelf, image).state == State.WRONG


def test_an_attestation_by_the_key_is_no_signature_of_the_image(shelf: Shelf, image: str) -> None:
    attach(shelf, image, signing.dsse(KEY, signing.statement(image, ATTESTATION)))
    assert judged(shelf, image).state == State.UNSIGNED


def test_what_else_refers_to_an_image_is_no_signature(shelf: Shelf, image: str) -> None:
    attach(shelf, image, {"sbom": True}, artifact_type="application/spdx+json")
    assert judged(shelf, image).state == State.UNSIGNED


def test_a_signature_by_an_identity_is_said_not_to_be_checked(shelf: Shelf, image: str) -> None:
    attach(shelf, image, signing.dsse(OTHER, signing.statement(image), material="certificate"))
    attach_simple(shelf, image, signing.simple(OTHER, image, shelf.put_blob, **{CERTIFICATE: "-----BEGIN…"}))
    found = judged(shelf, image)
    assert found.state == State.UNVERIFIABLE
    assert "keyless" in found.reason


@pytest.mark.parametrize(
    "bundle",
    [
        {}, {"dsseEnvelope": {"payload": "%", "payloadType": "x", "signatures": [{"sig": ""}]}},
        {"dsseEnvelope": {"payload": "", "signatures": []}}, {"dsseEnvelope": {"payload": "", "signatures": [{}, {}]}},
        {"messageSignature": {"signature": 7}}, {"messageSignature": {"signature": "%%"}},
        {"dsseEnvelope": {"payloadType": IN_TOTO, "payload": "W10=", "signatures": [{"sig": ""}]}},
    ],
    ids=range(7),
)  # fmt: skip
def test_a_bundle_that_is_none_is_no_signature_and_no_failure(shelf: Shelf, image: str, bundle: dict[str, Any]) -> None:
    attach(shelf, image, {"mediaType": signing.BUNDLE, **bundle})
    assert judged(shelf, image).state == State.WRONG


def test_a_bundle_whose_bytes_are_others_is_not_believed(shelf: Shelf, image: str) -> None:
    attach(shelf, image, signing.dsse(KEY, signing.statement(image)))
    blob = next(digest for digest, raw in shelf.blobs.items() if b"dsseEnvelope" in raw)
    shelf.blobs[blob] = json.dumps(signing.dsse(KEY, signing.statement(image))).encode() + b" "
    assert judged(shelf, image).state == State.WRONG


@pytest.mark.parametrize("text", ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_a_key_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "key.pem").write_text(text)
    with pytest.raises(BadInputError, match=r"EGX_SIGNATURE_KEY, .*key\.pem, has no public key"):
        load_key(str(tmp_path / "key.pem"))


def test_a_key_that_signs_no_images_is_named(tmp_path: Path) -> None:
    key: Any = dsa.generate_private_key(key_size=2048)
    with pytest.raises(BadInputError, match="signs no images"):
        load_key(signing.public_pem(key, tmp_path / "key.pem"))
