"""What a stranger sends is a backup to the last byte, or is refused with nothing kept."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from egx_project.lib.errors import EgxError
from tests.updates.archives.builders import (
    FILES,
    ID,
    LIMITS,
    manifest_of,
    member,
    members_of,
    names,
    store_in,
    tar_of,
    write,
    zipped,
)
from updates.archives import packing
from updates.archives.errors import ArchiveError
from updates.archives.manifest import FileEntry
from updates.archives.store import ArchiveStore

MANIFEST, *REST = members_of(FILES)
HONEST = zipped(MANIFEST, *REST)


@pytest.fixture
def store(tmp_path: Path) -> ArchiveStore:
    return store_in(tmp_path / "backups")


def refuse(store: ArchiveStore, content: bytes, *, saying: str, limits: packing.Limits = LIMITS) -> None:
    with pytest.raises(ArchiveError, match=saying) as raised:
        packing.unpack(io.BytesIO(content), store, limits=limits)
    assert raised.value.message.isprintable()
    assert names(store.folder) == []
    assert names(store.folder.parent) in ([], ["backups"])


def test_the_honest_one_is_taken(store: ArchiveStore) -> None:
    packing.unpack(io.BytesIO(HONEST), store, limits=LIMITS)
    assert store.find(ID) == manifest_of(FILES)


@pytest.mark.parametrize(
    "name",
    ["../x", "state/../../x", "/etc/cron.d/x", "..", ".", "", "a\\b", "a\x1b[2Jb", "./objects.yaml", "state//empty"],
)
def test_a_name_that_leads_elsewhere_is_refused(store: ArchiveStore, name: str) -> None:
    refuse(store, zipped(MANIFEST, *REST, member(name, b"x")), saying="name that is not allowed")


@pytest.mark.parametrize("path", ["../x", "/etc/cron.d/x", "manifest.json"])
def test_such_a_name_is_refused_in_the_manifest_too(store: ArchiveStore, path: str) -> None:
    forged = manifest_of({"a": b""}).to_bytes().replace(b'"path":"a"', f'"path":"{path}"'.encode())
    refuse(store, zipped(member("manifest.json", forged), member(path)), saying=r"manifest\.json")


@pytest.mark.parametrize(
    ("kind", "saying"),
    [
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.SYMTYPE, "a symbolic link"),
        (tarfile.CHRTYPE, "a character device"),
        (tarfile.BLKTYPE, "a block device"),
        (tarfile.DIRTYPE, "a folder"),
        (tarfile.FIFOTYPE, "a named pipe"),
        (tarfile.GNUTYPE_SPARSE, "a sparse file"),
        (tarfile.CONTTYPE, "kind '7'"),
        (tarfile.AREGTYPE, r"kind '\\x00'"),
        (tarfile.GNUTYPE_LONGNAME, "kind 'L'"),
        (tarfile.XGLTYPE, "kind 'g'"),
        (b"\xff", r"kind '\\xff'"),
    ],
)
@pytest.mark.parametrize("position", [0, 1, 3])
def test_what_is_no_regular_file_is_refused_wherever_it_is(
    store: ArchiveStore, kind: bytes, saying: str, position: int
) -> None:
    members = [MANIFEST, *REST]
    name = members[position][0].name
    members[position] = member(name, type=kind, linkname="/etc/passwd", devmajor=1, devminor=3)
    refuse(store, zipped(*members), saying=f"{name}.*{saying}")


@pytest.mark.parametrize(
    ("members", "saying"),
    [
        ((), "begins with nothing"),
        ((*REST, MANIFEST), r"begins with member 'objects\.yaml'"),
        (REST, r"begins with member 'objects\.yaml'"),
        ((MANIFEST, MANIFEST, *REST), r"'manifest\.json' is in the archive twice"),
        ((MANIFEST, *REST, REST[0]), r"'objects\.yaml' is in the archive twice"),
        ((MANIFEST, REST[0], REST[0]), r"'objects\.yaml' is in the archive twice"),
        ((MANIFEST, *REST, member("more", b"x")), "'more' is not in manifest"),
        ((MANIFEST, *REST[1:]), r"has no 'objects\.yaml'"),
        ((MANIFEST,), r"has no 'objects\.yaml', 'state/empty', 'state/rows\.json'"),
        ((MANIFEST, member("objects.yaml", b"kind: Gateway!"), *REST[1:]), r"'objects\.yaml' has another content"),
        ((MANIFEST, member("objects.yaml", b"short"), *REST[1:]), r"'objects\.yaml' has 5 bytes, and had 14"),
        ((MANIFEST, member("objects.yaml", size=8**11 - 1)), r"'objects\.yaml' has 8589934591 bytes"),
        ((MANIFEST, member("objects.yaml", b"x", size=10**15)), r"'objects\.yaml' has 1000000000000000 bytes"),
        ((member("manifest.json", size=1_000_001),), "1000001 bytes, 1000000 are the most"),
        ((member("manifest.json", b"{}"),), r"manifest\.json is wrong"),
        ((MANIFEST, member("x" * 5000, b"")), "a header of the archive has 50"),
        ((MANIFEST, member("x", b"", pax_headers={"GNU.sparse.size": "1"})), r"has 'GNU\.sparse\.size'"),
        ((MANIFEST, member("x", b"", pax_headers={"linkpath": "/etc/passwd"})), "has 'linkpath'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_as_its_manifest_says_is_refused(
    store: ArchiveStore, members: tuple[tuple[tarfile.TarInfo, bytes], ...], saying: str
) -> None:
    refuse(store, zipped(*members), saying=saying)


def test_records_that_contradict_the_header_cannot_smuggle_another_name_or_size(store: ArchiveStore) -> None:
    other_name = member("objects.yaml", b"kind: Gateway\n", pax_headers={"path": "../x"})
    refuse(store, zipped(MANIFEST, other_name, *REST[1:]), saying="not allowed")
    other_size = member("objects.yaml", b"kind: Gateway\n", pax_headers={"size": "15"})
    refuse(store, zipped(MANIFEST, other_size, *REST[1:]), saying="has 15 bytes")
    no_number = member("objects.yaml", b"kind: Gateway\n", pax_headers={"size": "-1"})
    refuse(store, zipped(MANIFEST, no_number, *REST[1:]), saying="has 'size'")


@pytest.mark.parametrize(
    "records",
    [b"x", b"0 path=a\n", b"8 path=a\n", b"99 path=a\n", b"10 path=ab" * 2, b"7 path\n", b"12 path=\xff\xff\xff\n"],
)
def test_records_that_cannot_be_read_are_refused(store: ArchiveStore, records: bytes) -> None:
    refuse(store, zipped(MANIFEST, member("r", records, type=tarfile.XHDTYPE), *REST), saying="damaged|UTF-8")


def test_other_ways_to_write_tar_are_refused(store: ArchiveStore) -> None:
    refuse(store, zipped(MANIFEST, *REST, form=tarfile.GNU_FORMAT), saying="not a tar file as EGX writes it")
    refuse(store, gzip.compress(b"x" * 5000), saying="not a tar file as EGX writes it")


def test_what_declares_more_than_is_allowed_is_refused_before_any_of_it_is_read(store: ArchiveStore) -> None:
    huge = manifest_of({}, files=(FileEntry(path="huge", size=10**15, sha256="0" * 64),))
    refuse(store, zipped(member("manifest.json", huge.to_bytes())), saying="1000000 are the most")
    small = packing.Limits(bytes=1_000_000, files=2)
    refuse(store, HONEST, saying="has 3 files, and 2 are the most", limits=small)
    refuse(store, HONEST, saying="has 31 bytes, and 30 are the most", limits=packing.Limits(bytes=30, files=20))


class Endless(io.RawIOBase):
    """A file that somebody goes on sending."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        rest = self._rest or next(self._parts)
        part, self._rest = rest[: len(buffer)], rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def bomb(before: bytes) -> Iterator[bytes]:
    """These bytes and then zeros for ever, a thousand to each that is sent."""
    squeeze = zlib.compressobj(wbits=31)
    yield squeeze.compress(before) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    while True:
        if part := squeeze.compress(bytes(100_000)):
            yield part


def nothing_for_ever() -> Iterator[bytes]:
    """A gzip stream that goes on, and of which nothing ever comes."""
    yield gzip.compress(b"")[:10]
    while True:
        yield b"\x00\x00\x00\xff\xff" * 1000


def members_for_ever() -> Iterator[bytes]:
    yield HONEST
    while True:
        yield gzip.compress(b"")


END = -tarfile.RECORDSIZE
BOMBS: dict[str, tuple[Callable[[], Iterator[bytes]], str]] = {
    "at once": (lambda: bomb(b""), "follows after the end"),
    "as the manifest": (
        lambda: bomb(tar_of(member("manifest.json", size=1_000_000))[:END]),
        r"manifest\.json cannot be read",
    ),
    "as a file": (lambda: bomb(tar_of(MANIFEST, member("objects.yaml", size=10**10))[:END]), "10000000000 bytes"),
    "as a file of the right size": (
        lambda: bomb(tar_of(MANIFEST, member("objects.yaml", size=14))[:END]),
        "has another content",
    ),
    "as a header": (
        lambda: bomb(tar_of(MANIFEST, member("x", size=10**9, type=tarfile.XHDTYPE))[:END]),
        "1000000000 bytes, 4096 are the most",
    ),
    "after the end": (lambda: bomb(tar_of(MANIFEST, *REST)), "follows after the end"),
    "of nothing": (nothing_for_ever, "far more goes into"),
    "of gzip members": (members_for_ever, "follows after the end"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_while_it_still_comes(store: ArchiveStore, name: str) -> None:
    parts, saying = BOMBS[name]
    with pytest.raises(ArchiveError, match=saying):
        packing.unpack(io.BufferedReader(Endless(parts())), store, limits=LIMITS)
    assert names(store.folder) == []


def test_a_small_bomb_is_refused_where_its_backup_is_there_already(store: ArchiveStore) -> None:
    write(store)
    with pytest.raises(ArchiveError, match="follows after the end"):
        packing.unpack(io.BytesIO(gzip.compress(tar_of(MANIFEST, *REST) + bytes(50_000_000))), store, limits=LIMITS)
    assert store.verify(ID) == []


@pytest.mark.parametrize("content", [b"", b"no gzip", HONEST[:5], HONEST[1:], gzip.decompress(HONEST)])
def test_what_is_no_gzip_is_told_as_such(store: ArchiveStore, content: bytes) -> None:
    refuse(store, content, saying="not gzip, or damaged|cut off")


def test_cut_off_anywhere_it_is_told_as_cut_off(store: ArchiveStore) -> None:
    for end in range(0, len(HONEST), 7):
        refuse(store, HONEST[:end], saying="the file is cut off")
    refuse(store, gzip.compress(gzip.decompress(HONEST)[:2048]), saying="the archive ends too early")


def test_with_any_byte_changed_it_is_refused_or_still_the_same_backup(tmp_path: Path) -> None:
    taken = 0
    for position in range(len(HONEST)):
        store = store_in(tmp_path / "backups")
        changed = bytearray(HONEST)
        changed[position] ^= 0x55
        try:
            packing.unpack(io.BytesIO(bytes(changed)), store, limits=LIMITS)
        except EgxError:
            assert names(store.folder) == []
        else:
            assert store.find(ID) == manifest_of(FILES)
            store.remove(ID)
            taken += 1
    assert taken <= 10  # of gzip's own header: when and on what it was made


def test_the_tar_with_any_byte_changed_is_refused_or_has_the_same_files(tmp_path: Path) -> None:
    plain = tar_of(MANIFEST, *REST)[: END + 1024]
    store = store_in(tmp_path / "backups")
    for position in range(0, len(plain), 3):
        changed = bytearray(plain)
        changed[position] ^= 0x01
        try:
            sent = io.BytesIO(gzip.compress(bytes(changed), compresslevel=1))
            taken = packing.unpack(sent, store, limits=LIMITS)
        except EgxError:
            assert names(store.folder) == []
        else:
            assert store.find(taken.id) == taken
            assert taken.files == manifest_of(FILES).files
            store.remove(taken.id)
