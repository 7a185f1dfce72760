"""Manifests by strangers: what they say is checked before it is believed."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from updates.channels.oci import manifests
from updates.channels.oci.manifests import INDEX, MANIFEST, ManifestError

DIGEST = "sha256:" + "a" * 64
PART = {"mediaType": "application/x", "digest": DIGEST, "size": 10}
GOOD: dict[str, Any] = {"schemaVersion": 2, "mediaType": MANIFEST, "config": PART, "layers": [PART, PART]}
LIST: dict[str, Any] = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [PART]}


def read(document: object, **facts: str) -> manifests.Document:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return manifests.read(raw, what="it", **facts)


def test_a_manifest_says_what_is_pulled_for_it() -> None:
    assert read(GOOD).size == 30
    assert not read(GOOD).is_index
    assert read(LIST, said=INDEX).is_index


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"schemaVersion": 1}, "schema version 2"),
        ({"mediaType": "text/html"}, "no image"),
        ({"mediaType": 7}, "no image"),
        ({"mediaType": INDEX}, "and is not"),
        ({"manifests": []}, "at once"),
        ({"config": None}, "without a descriptor"),
        ({"layers": {}}, "no list of layers"),
        ({"layers": [PART] * 1001}, "1001 layers"),
        ({"layers": [{**PART, "digest": "sha256:../../x"}]}, "digest is none"),
        ({"layers": [{**PART, "digest": 5}]}, "digest is none"),
        ({"layers": [{**PART, "size": -1}]}, "impossible size"),
        ({"layers": [{**PART, "size": True}]}, "impossible size"),
        ({"layers": [{**PART, "size": 2**60}]}, "impossible size"),
        ({"layers": [{**PART, "size": "10"}]}, "impossible size"),
        ({"subject": {"digest": "x"}}, "digest is none"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, Any], why: str) -> None:
    with pytest.raises(ManifestError, match=why):
        read({**GOOD, **change})


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "cannot be read"),
        (b"[]", "no JSON object"),
        (b"\xff\xfe", "cannot be read"),
        (b'{"schemaVersion": 2, "schemaVersion": 2}', "twice"),
        (b'{"schemaVersion": NaN}', "NaN is no number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "cannot be read"),
        (b'{"a": ' * 30 + b"1" + b"}" * 30, "nested too deep"),
        (b"[" * 200_000, "cannot be read|nested too deep"),
        (b" " * (manifests.LARGEST + 1), "more than"),
    ],
    ids=range(9),
)
def test_bytes_that_are_no_manifest_are_refused(raw: bytes, why: str) -> None:
    with pytest.raises(ManifestError, match=why):
        read(raw)


def test_other_bytes_than_the_digest_promises_are_refused() -> None:
    raw = json.dumps(GOOD).encode()
    assert read(raw, digest=manifests.digest_of(raw)).digest == manifests.digest_of(raw)
    with pytest.raises(ManifestError, match="expected sha256:aaa"):
        read(raw, digest=DIGEST)


def test_a_manifest_that_is_sent_as_something_else_than_it_says_is_refused() -> None:
    with pytest.raises(ManifestError, match="is sent as"):
        read(GOOD, said=INDEX)


def test_the_entry_for_linux_on_this_architecture_is_taken() -> None:
    entries = [
        {**PART, "platform": {"os": "windows", "architecture": "amd64"}},
        {**PART, "platform": {"os": "unknown", "architecture": "unknown"}},
        {**PART, "digest": "sha256:" + "b" * 64, "platform": {"os": "linux", "architecture": "amd64"}},
        {**PART, "platform": "linux/amd64"},
    ]
    found = manifests.of_platform(read({**LIST, "manifests": entries}), "amd64")
    assert found is not None
    assert found.digest == "sha256:" + "b" * 64
    assert manifests.of_platform(read({**LIST, "manifests": entries}), "arm64") is None


ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text() | some.sampled_from([DIGEST, MANIFEST, INDEX]),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(
        some.sampled_from(["digest", "size", "mediaType", "platform", "annotations", "os"]), inner, max_size=4
    ),
    max_leaves=12,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(some.fixed_dictionaries({"schemaVersion": some.just(2)}, optional=dict.fromkeys(
    ("mediaType", "manifests", "config", "layers", "subject", "artifactType"), ANYTHING)))  # fmt: skip
def test_whatever_a_document_says_it_is_read_or_refused(document: dict[str, Any]) -> None:
    with contextlib.suppress(ManifestError):
        assert read(document).size >= 0
