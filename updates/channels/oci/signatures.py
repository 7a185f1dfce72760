"""Signatures of images, as cosign leaves them in a registry, checked with a public key.

Found as sigstore bundles that refer to the image (by the referrers API, or the tag that stands for it), and in
cosign's older way under the tag `sha256-<hex>.sig`. A signature without a key of one's own (by an identity and a
transparency log) is found, and said not to be checked.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from egx_project.lib.errors import BadInputError
from updates.channels.oci import manifests
from updates.channels.oci.client import NotThereError, Registry
from updates.channels.oci.manifests import ManifestError

BUNDLE = "application/vnd.dev.sigstore.bundle"
"""How the types of sigstore bundles begin; their version follows."""
SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE = "dev.sigstore.cosign/certificate"
IN_TOTO = "application/vnd.in-toto+json"
SIGNED = "https://sigstore.dev/cosign/sign/v1"
"""What a statement says that signs an image; other statements attest something of it."""
MOST = 50
"""Signatures of one image that are looked at."""

Key = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


class State(StrEnum):
    SIGNED = "signed"
    UNSIGNED = "unsigned"
    """Its publisher has left no signature."""
    UNVERIFIABLE = "unverifiable"
    """There are some, and EGX cannot check them."""
    WRONG = "wrong"
    """There are some that should be by the key, and none is."""


@dataclass(frozen=True)
class Verdict:
    state: State
    reason: str


@dataclass(frozen=True)
class _Claim:
    """One signature: what it was made over, and whether that names the image."""

    signature: bytes
    message: bytes
    names_the_image: bool
    by_identity: bool = False
    """By a certificate instead of a key."""


def load_key(path: str) -> Key:
    """The public key in a PEM file. Raises BadInputError."""
    try:
        key = load_pem_public_key(Path(path).expanduser().read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise BadInputError(
            f"EGX_SIGNATURE_KEY, {path}, has no public key that can be read",
            hint="it is a PEM file that begins with -----BEGIN PUBLIC KEY-----, such as cosign.pub",
        ) from error
    if not isinstance(key, Key):
        raise BadInputError(f"EGX_SIGNATURE_KEY, {path}, is a key of a kind that signs no images")
    return key


def examine(registry: Registry, digest: str, *, key: Key | None) -> Verdict:
    """What is to be said of the signatures of the manifest with this digest. Raises FetchError."""
    claims: list[_Claim] = []
    broken: list[str] = []
    for read in _found(registry, digest):
        try:
            claims += read()
        except ManifestError as error:
            broken.append(error.message)
    if not claims and not broken:
        return Verdict(State.UNSIGNED, "unsigned upstream: its publisher has left no signature in the registry")
    if key is None:
        return Verdict(
            State.UNVERIFIABLE, "it is signed, and EGX has no key to check that with: name one in EGX_SIGNATURE_KEY"
        )
    if any(claim.names_the_image and _verifies(key, claim) for claim in claims):
        return Verdict(State.SIGNED, "signed with the key of EGX_SIGNATURE_KEY")
    if claims and not broken and all(claim.by_identity for claim in claims):
        return Verdict(
            State.UNVERIFIABLE,
            "it is signed by an identity (keyless), which EGX does not check; it checks signatures by a key",
        )
    why = f"; {broken[0]}" if broken else ""
    return Verdict(State.WRONG, f"none of its signatures is by the key of EGX_SIGNATURE_KEY{why}")


def _found(registry: Registry, digest: str) -> Iterator[Callable[[], Sequence[_Claim]]]:
    """How to read each place in which there are signatures."""
    index = registry.referrers(digest)
    for entry in (index.entries if index else ())[:MOST]:
        yield partial(_of_referrer, registry, entry.digest, digest)
    try:
        old = registry.manifest(f"{digest.replace(':', '-')}.sig")
    except NotThereError:
        return
    yield lambda: [_simple(registry, layer, digest) for layer in old.layers[:MOST] if SIGNATURE in layer.annotations]


def _of_referrer(registry: Registry, referrer: str, digest: str) -> list[_Claim]:
    found = registry.manifest(referrer)
    if found.subject and found.subject != digest:
        return []  # the registry says that it refers, and it says to what else
    kinds = {found.artifact_type, *(layer.media_type for layer in found.layers)}
    if not any(kind.startswith(BUNDLE) for kind in kinds):
        return []
    claims = [_bundle(registry, layer.digest, digest) for layer in found.layers[:1]]
    return [claim for claim in claims if claim is not None]


def _simple(registry: Registry, layer: manifests.Descriptor, digest: str) -> _Claim:
    """cosign's older way: the payload is a layer, and its signature an annotation."""
    payload = registry.blob(layer.digest)
    page = manifests.parse(payload, what="the payload of a signature")
    image = _inside(page, "critical", "image")
    return _Claim(
        signature=_decoded(layer.annotations[SIGNATURE]),
        message=payload,
        names_the_image=image.get("docker-manifest-digest", image.get("Docker-manifest-digest")) == digest,
        by_identity=bool(layer.annotations.get(CERTIFICATE)),
    )


def _bundle(registry: Registry, blob: str, digest: str) -> _Claim | None:
    """None for a bundle that attests something else than that the image is its publisher's."""
    page = manifests.parse(registry.blob(blob), what="a signature's bundle")
    material = _inside(page, "verificationMaterial")
    by_identity = "publicKey" not in material and bool({"certificate", "x509CertificateChain"} & set(material))
    envelope = _inside(page, "dsseEnvelope")
    if envelope:
        return _dsse(envelope, digest, by_identity=by_identity)
    message = _inside(page, "messageSignature")
    if not message:
        raise ManifestError("a signature's bundle has no signature in it")
    raw = registry.manifest(digest).raw
    return _Claim(
        signature=_decoded(message.get("signature")), message=raw, names_the_image=True, by_identity=by_identity
    )


def _dsse(envelope: dict[str, Any], digest: str, *, by_identity: bool) -> _Claim | None:
    kind, payload = str(envelope.get("payloadType")), _decoded(envelope.get("payload"))
    signatures = envelope.get("signatures")
    if not isinstance(signatures, list) or len(signatures) != 1 or not isinstance(signatures[0], dict):
        raise ManifestError("a signature's bundle has not exactly one signature")
    if kind != IN_TOTO:
        return None
    statement = manifests.parse(payload, what="a signed statement")
    if statement.get("predicateType") != SIGNED:
        return None
    subjects = statement.get("subject")
    named = {_inside(one, "digest").get("sha256") for one in subjects if isinstance(one, dict)} if isinstance(
        subjects, list
    ) else set()  # fmt: skip
    # DSSE's pre-authentication encoding: the type is signed with the payload.
    message = b"DSSEv1 %d %s %d %s" % (len(kind.encode()), kind.encode(), len(payload), payload)
    return _Claim(
        signature=_decoded(signatures[0].get("sig")),
        message=message,
        names_the_image=digest.removeprefix("sha256:") in named,
        by_identity=by_identity,
    )


def _inside(page: dict[str, Any], *names: str) -> dict[str, Any]:
    """The object that is there by these names; an empty one where there is none."""
    for name in names:
        found = page.get(name)
        page = found if isinstance(found, dict) else {}
    return page


def _decoded(text: object) -> bytes:
    try:
        return base64.b64decode(text if isinstance(text, str) else "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ManifestError("a signature is no base64") from error


def _verifies(key: Key, claim: _Claim) -> bool:
    return any(_is_by(key, claim, how) for how in _hashes(key))


def _hashes(key: Key) -> tuple[HashAlgorithm, ...]:
    """cosign takes SHA-256; bundles of larger curves may go with the curve's own."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        own: dict[int, HashAlgorithm] = {384: SHA384(), 521: SHA512()}
        return (SHA256(), *([own[key.curve.key_size]] if key.curve.key_size in own else []))
    return (SHA256(),)


def _is_by(key: Key, claim: _Claim, how: HashAlgorithm) -> bool:
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(claim.signature, claim.message, ec.ECDSA(how))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(claim.signature, claim.message, padding.PKCS1v15(), how)
        else:
            key.verify(claim.signature, claim.message)
    except InvalidSignature:
        return False
    return True
