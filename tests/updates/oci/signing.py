"""Signs images as cosign does, with keys that a test makes."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from updates.channels.oci import manifests
from updates.channels.oci.signatures import IN_TOTO, SIGNATURE, SIGNED, SIMPLE

Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
EMPTY = "application/vnd.oci.empty.v1+json"


class Blobs(Protocol):
    def __call__(self, content: bytes) -> dict[str, Any]:
        """Put it into the registry; its digest and size."""
        ...


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_pem(key: Private, file: Path) -> str:
    file.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return str(file)


def raw_signature(key: Private, message: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(SHA256()))
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), SHA256())
    return key.sign(message)


def text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def simple(key: Private, digest: str, blobs: Blobs, **annotations: str) -> dict[str, Any]:
    """The manifest of the tag `sha256-<hex>.sig`."""
    payload = json.dumps({
        "critical": {
            "identity": {"docker-reference": "docker.io/envoyproxy/gateway"},
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        },
        "optional": None,
    }).encode()  # fmt: skip
    notes = {SIGNATURE: text(raw_signature(key, payload)), **annotations}
    return {
        "schemaVersion": 2,
        "mediaType": manifests.MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **blobs(b"{}")},
        "layers": [{"mediaType": SIMPLE, **blobs(payload), "annotations": notes}],
    }


def statement(digest: str, predicate: str = SIGNED) -> bytes:
    subject = [{"name": "", "digest": {"sha256": digest.removeprefix("sha256:")}}]
    return json.dumps({
        "_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": predicate, "predicate": {},
    }).encode()  # fmt: skip


def dsse(key: Private, payload: bytes, *, material: str = "publicKey") -> dict[str, Any]:
    """A sigstore bundle, as cosign makes them today."""
    message = b" ".join([b"DSSEv1", str(len(IN_TOTO)).encode(), IN_TOTO.encode(), str(len(payload)).encode(), payload])
    envelope = {
        "payload": text(payload), "payloadType": IN_TOTO, "signatures": [{"sig": text(raw_signature(key, message))}]
    }  # fmt: skip
    return {"mediaType": BUNDLE, "verificationMaterial": {material: {"hint": ""}}, "dsseEnvelope": envelope}


def over_bytes(key: Private, raw: bytes) -> dict[str, Any]:
    """A sigstore bundle with a plain signature of the manifest's bytes."""
    signature = {"messageDigest": {"algorithm": "SHA2_256"}, "signature": text(raw_signature(key, raw))}
    return {"mediaType": BUNDLE, "verificationMaterial": {"publicKey": {}}, "messageSignature": signature}


def referrer(bundle: dict[str, Any], digest: str, blobs: Blobs, *, artifact_type: str = BUNDLE) -> dict[str, Any]:
    """The manifest that attaches a bundle to an image."""
    return {
        "schemaVersion": 2,
        "mediaType": manifests.MANIFEST,
        "artifactType": artifact_type,
        "config": {"mediaType": EMPTY, **blobs(b"{}")},
        "layers": [{"mediaType": artifact_type, **blobs(json.dumps(bundle).encode())}],
        "subject": {"mediaType": manifests.INDEX, "digest": digest, "size": 100},
    }
