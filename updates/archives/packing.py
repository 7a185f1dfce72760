"""A backup as one `.tar.gz`, and back again from whoever sends one."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from egx_project.lib.errors import NotFoundError
from updates.archives import files, manifest, tar
from updates.archives.draft import Draft
from updates.archives.errors import ArchiveError, full_disk_told, shown
from updates.archives.inflate import Inflated
from updates.archives.manifest import BackupManifest, FileEntry
from updates.archives.store import ArchiveStore, difference

_AGAIN = "pack the backup again where it was made"

Sink = Callable[[bytes], object]
Place = Callable[[FileEntry], contextlib.AbstractContextManager[Sink]]


@dataclass(frozen=True)
class Limits:
    """What is unpacked at most."""

    bytes: int = 20 * 1024**3
    files: int = 5_000


def pack(store: ArchiveStore, archive_id: str, to: Path | BinaryIO) -> None:
    """Write the backup as one file: of the same backup always the same bytes (with the same zlib).

    Raises NotFoundError, ArchiveError for a damaged one before anything is written, NoSpaceError.
    """
    found = store.find(archive_id)
    if found is None:
        raise NotFoundError(f"there is no backup {archive_id}", hint="see which there are")
    if isinstance(to, Path):
        with full_disk_told(to.parent), files.replacing(to) as target:
            _pack(store.folder / archive_id, found, target)
    else:
        _pack(store.folder / archive_id, found, to)


def _pack(place: Path, found: BackupManifest, to: BinaryIO) -> None:
    when = int(found.created_at.timestamp())
    content = found.to_bytes()
    with (
        gzip.GzipFile(filename="", fileobj=to, mode="wb", mtime=when) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as packed,
    ):
        packed.addfile(_member(manifest.NAME, len(content), when), io.BytesIO(content))
        for entry in found.files:
            with files.open_regular(place / entry.path) as file:
                packed.addfile(_member(entry.path, entry.size, when), file)


def _member(name: str, size: int, when: int) -> tarfile.TarInfo:
    """No user, no group: it is nobody's on the machine where it is unpacked."""
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size, when, 0o600
    return member


def unpack(
    source: BinaryIO,
    store: ArchiveStore,
    *,
    limits: Limits,
    condition: Callable[[BackupManifest], object] = lambda _: None,
) -> BackupManifest:
    """Put the backup that was packed into the store, under the id that it has; one that is there already is fine.

    Whoever sends it may wish us ill, so nothing that it says of itself is believed before it is checked. Raises
    ArchiveError with nothing kept, ConflictError, NoSpaceError, and what `condition` raises for one that must not be.
    """
    stream = Inflated(source, allowed=manifest.LARGEST + tar.OVERHEAD)
    members = tar.Members(stream)
    stated = _manifest(members)
    _check_limits(stated, limits)
    condition(stated)
    stream.allow(stated.total + len(stated.files) * tar.OVERHEAD + tar.LARGEST_END)

    there = store.find(stated.id)
    if there is None:
        with store.receiving(stated) as draft:
            _take_all(members, stated, lambda entry: _into(draft, entry))
    elif there == stated:
        # Read nevertheless: a file that is damaged is told to be, whether it is needed or not.
        _take_all(members, stated, lambda _: contextlib.nullcontext(len))
    else:
        raise ArchiveError(
            f"backup {stated.id} is there already, with another content",
            hint="compare both; remove the one that is there to unpack the other",
        )
    return stated


def _manifest(members: tar.Members) -> BackupManifest:
    first = members.next()
    if first is None or first.name != manifest.NAME:
        name = "nothing" if first is None else f"member {shown(first.name)}"
        raise ArchiveError(f"the archive must begin with {manifest.NAME}, and begins with {name}", hint=_AGAIN)
    if first.size > manifest.LARGEST:
        raise ArchiveError(f"{manifest.NAME} has {first.size} bytes, {manifest.LARGEST} are the most", hint=_AGAIN)
    return manifest.parse(b"".join(members.content(first)))


def _check_limits(stated: BackupManifest, limits: Limits) -> None:
    for found, most, what in ((stated.total, limits.bytes, "bytes"), (len(stated.files), limits.files, "files")):
        if found > most:
            raise ArchiveError(
                f"backup {stated.id} has {found} {what}, and {most} are the most that may be unpacked here",
                hint="raise the limit if you trust where it comes from",
            )


def _take_all(members: tar.Members, stated: BackupManifest, place: Place) -> None:
    """Every file of the manifest exactly once, and nothing else."""
    wanted = {entry.path: entry for entry in stated.files}
    seen: set[str] = set()
    while (member := members.next()) is not None:
        entry = _expected(member, wanted, seen)
        seen.add(entry.path)
        digest = hashlib.sha256()
        with place(entry) as sink:
            for piece in members.content(member):
                digest.update(piece)
                sink(piece)
        if problem := difference(entry, member.size, digest.hexdigest()):
            raise ArchiveError(f"member {problem}", hint=_AGAIN)
    if missing := sorted(wanted.keys() - seen):
        raise ArchiveError(
            f"the archive has no {', '.join(map(shown, missing[:5]))}, which {manifest.NAME} has", hint=_AGAIN
        )


def _expected(member: tar.Member, wanted: dict[str, FileEntry], seen: set[str]) -> FileEntry:
    name = shown(member.name)
    if member.name == manifest.NAME or member.name in seen:
        raise ArchiveError(f"member {name} is in the archive twice", hint=_AGAIN)
    if (entry := wanted.get(member.name)) is None:
        try:
            manifest.check_path(member.name)
        except ValueError as error:
            raise ArchiveError(f"a member has a name that is not allowed: {error}", hint=_AGAIN) from None
        raise ArchiveError(f"member {name} is not in {manifest.NAME}", hint=_AGAIN)
    if member.size != entry.size:  # before its content is read: a header may state any size
        raise ArchiveError(f"member {difference(entry, member.size, '')}", hint=_AGAIN)
    return entry


@contextlib.contextmanager
def _into(draft: Draft, entry: FileEntry) -> Iterator[Sink]:
    with draft.target(entry.path).open("xb") as file:
        yield file.write
