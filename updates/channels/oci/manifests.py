"""Manifests and indexes of images, as strangers wrote them: everything is checked before it is believed."""

from __future__ import annotations

import hashlib
import json
import platform as host
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from egx_project.lib import images
from egx_project.lib.fetch import FetchError

INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEXES = frozenset({INDEX, DOCKER_INDEX})
MANIFESTS = frozenset({MANIFEST, DOCKER_MANIFEST})
ACCEPT = f"{INDEX}, {DOCKER_INDEX}, {MANIFEST}, {DOCKER_MANIFEST}"

LARGEST = 4 * 1024 * 1024
"""Bytes of a manifest: what the distribution specification has registries take."""
DEEPEST = 24
MOST_ENTRIES = 1000
LARGEST_IMAGE = 2**50
"""Bytes; what says to be larger is not believed."""

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "armv6l": "arm", "i686": "386", "i386": "386"}


class ManifestError(FetchError):
    """What the registry has is none, or not what it should be."""


@dataclass(frozen=True)
class Descriptor:
    media_type: str
    digest: str
    size: int
    architecture: str = ""
    os: str = ""
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    """An index has entries, a manifest has a config and layers."""

    media_type: str
    digest: str
    raw: bytes
    entries: Sequence[Descriptor] = ()
    config: Descriptor | None = None
    layers: Sequence[Descriptor] = ()
    artifact_type: str = ""
    subject: str = ""
    """The digest that it is about."""

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEXES

    @property
    def size(self) -> int:
        """Of a manifest: of all that is pulled for it."""
        return sum(part.size for part in (*self.layers, *([self.config] if self.config else [])))


def architecture() -> str:
    """This machine's, as images name it."""
    machine = host.machine().lower()
    return ARCHITECTURES.get(machine, machine)


def digest_of(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def read(raw: bytes, *, said: str = "", digest: str = "", what: str) -> Document:
    """The document in these bytes, which must have the digest where one is given; `said` is the answer's content type.

    Raises ManifestError.
    """
    found = digest_of(raw)
    if digest and found != digest:
        raise ManifestError(
            f"{what} has digest {found}, expected {digest}",
            hint="it was changed on the way or by the registry; nothing of it is used",
        )
    page = parse(raw, what=what)
    if page.get("schemaVersion") != 2:  # noqa: PLR2004
        _refuse(what, "is no manifest of schema version 2")
    if "manifests" in page and ("layers" in page or "config" in page):
        _refuse(what, "says to be an index and an image at once")
    kind = _kind(page, said, what)
    if kind in INDEXES:
        entries = tuple(_descriptor(entry, what) for entry in _listed(page, "manifests", what))
        return Document(media_type=kind, digest=found, raw=raw, entries=entries)
    subject = page.get("subject")
    return Document(
        media_type=kind,
        digest=found,
        raw=raw,
        config=_descriptor(page.get("config"), what),
        layers=tuple(_descriptor(layer, what) for layer in _listed(page, "layers", what)),
        artifact_type=_text(page.get("artifactType")),
        subject=_descriptor(subject, what).digest if subject is not None else "",
    )


def parse(raw: bytes, *, what: str) -> dict[str, Any]:
    """A JSON object that says one thing only. Raises ManifestError."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            raise ValueError("a name is there twice")
        return made

    if len(raw) > LARGEST:
        _refuse(what, f"has more than {LARGEST} bytes")
    try:
        page = json.loads(raw, object_pairs_hook=once, parse_constant=_no_number)
        _check_depth(page, DEEPEST)
    except RecursionError:
        _refuse(what, "is nested too deep")
    except ValueError as error:
        _refuse(what, f"cannot be read: {error}")
    if not isinstance(page, dict):
        _refuse(what, "is no JSON object")
    return page


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _check_depth(value: object, left: int) -> None:
    if not left:
        raise ValueError("it is nested too deep")
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inside:
        _check_depth(each, left - 1)


def _kind(page: Mapping[str, Any], said: str, what: str) -> str:
    said = said.partition(";")[0].strip().lower()
    written = page.get("mediaType")
    known = INDEXES | MANIFESTS
    if written is not None and said in known and written != said:
        _refuse(what, f"is sent as {said} and says to be {str(written)[:100]}")
    kind = str(written or (said if said in known else "") or (INDEX if "manifests" in page else MANIFEST))
    if kind not in known:
        _refuse(what, f"is {kind[:100]}, which is no image")
    if (kind in INDEXES) is not ("manifests" in page):
        _refuse(what, f"says to be {kind}, and is not")
    return kind


def _listed(page: Mapping[str, Any], name: str, what: str) -> list[Any]:
    found = page.get(name)
    if not isinstance(found, list):
        _refuse(what, f"has no list of {name}")
    if len(found) > MOST_ENTRIES:
        _refuse(what, f"has {len(found)} {name}; more than {MOST_ENTRIES} are not believed")
    return found


def _descriptor(given: object, what: str) -> Descriptor:
    if not isinstance(given, dict):
        _refuse(what, "has a part without a descriptor")
    digest, size = given.get("digest"), given.get("size")
    if not isinstance(digest, str) or not images.is_digest(digest):
        _refuse(what, f"has a part whose digest is none: {str(digest)[:80]!r}")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= LARGEST_IMAGE:
        _refuse(what, f"has a part of an impossible size: {str(size)[:40]}")
    where = given.get("platform")
    where = where if isinstance(where, dict) else {}
    notes = given.get("annotations")
    return Descriptor(
        media_type=_text(given.get("mediaType")),
        digest=digest,
        size=size,
        architecture=_text(where.get("architecture")),
        os=_text(where.get("os")),
        artifact_type=_text(given.get("artifactType")),
        annotations={str(name): _text(text) for name, text in notes.items()} if isinstance(notes, dict) else {},
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _refuse(what: str, why: str) -> NoReturn:
    raise ManifestError(f"{what} {why}", hint="is it the repository of an image, and the registry sound?")


def of_platform(index: Document, arch: str) -> Descriptor | None:
    """The index's entry for Linux on this architecture; None where it has none."""
    return next((entry for entry in index.entries if entry.os == "linux" and entry.architecture == arch), None)
