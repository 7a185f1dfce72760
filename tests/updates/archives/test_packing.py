"""A packed backup is the same bytes wherever it is packed, and the same backup wherever it is unpacked."""

from __future__ import annotations

import io
import stat
import tarfile
from pathlib import Path

import pytest

from egx_project.lib.errors import NotFoundError
from tests.updates.archives.builders import FILES, ID, LIMITS, NOW, names, packed, store_in, write
from updates.archives import packing
from updates.archives.errors import ArchiveError
from updates.archives.store import ArchiveStore

LONG = {f"{'n' * 90}/{'m' * 105}": b"long", "grüße/ß": b"not ASCII", "x" * 200: b"longer"}


@pytest.fixture
def store(tmp_path: Path) -> ArchiveStore:
    return store_in(tmp_path / "backups")


@pytest.fixture
def other(tmp_path: Path) -> ArchiveStore:
    return store_in(tmp_path / "other")


def unpack(content: bytes, store: ArchiveStore) -> None:
    packing.unpack(io.BytesIO(content), store, limits=LIMITS)


@pytest.mark.parametrize(
    "files", [{}, FILES, FILES | LONG, {"large": bytes(900_000)}], ids=["no", "some", "long", "large"]
)
def test_it_goes_round(store: ArchiveStore, other: ArchiveStore, files: dict[str, bytes]) -> None:
    manifest = write(store, files)
    assert packing.unpack(io.BytesIO(packed(store)), other, limits=LIMITS) == manifest
    assert other.find(ID) == manifest
    assert {path: other.open(ID, path) for path in files} == files
    assert names(other.folder) == [ID]
    assert packed(other) == packed(store)
    for path in (other.folder, *other.folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_any_tar_can_read_it_and_it_says_nothing_of_the_machine(store: ArchiveStore) -> None:
    manifest = write(store, FILES | LONG)
    with tarfile.open(fileobj=io.BytesIO(packed(store)), mode="r:gz") as archive:
        members = archive.getmembers()
        contents = {}
        for member in members:
            file = archive.extractfile(member)
            assert file is not None
            contents[member.name] = file.read()
    assert contents == {"manifest.json": manifest.to_bytes()} | FILES | LONG
    assert [member.name for member in members] == ["manifest.json", *(entry.path for entry in manifest.files)]
    told = {(one.uid, one.gid, one.uname, one.gname, one.mode, one.mtime) for one in members}
    assert told == {(0, 0, "", "", 0o600, int(NOW.timestamp()))}


def test_a_file_takes_the_place_of_another_once_it_is_whole(store: ArchiveStore, tmp_path: Path) -> None:
    write(store)
    (tmp_path / "packed").write_bytes(b"old")
    packing.pack(store, ID, tmp_path / "packed")
    assert (tmp_path / "packed").read_bytes() == packed(store)
    (store.folder / ID / "objects.yaml").unlink()
    with pytest.raises(ArchiveError, match="is missing"):
        packing.pack(store, ID, tmp_path / "packed")
    unpack((tmp_path / "packed").read_bytes(), store_in(tmp_path / "other"))
    assert names(tmp_path) == ["backups", "other", "packed"]


def test_of_a_damaged_backup_or_none_not_a_byte_is_written(store: ArchiveStore) -> None:
    file = io.BytesIO()
    with pytest.raises(NotFoundError, match=ID):
        packing.pack(store, ID, file)
    write(store)
    (store.folder / ID / "objects.yaml").write_bytes(b"other")
    with pytest.raises(ArchiveError, match=ID):
        packing.pack(store, ID, file)
    assert file.getvalue() == b""


def test_a_backup_that_is_there_already_stays_and_another_under_its_id_is_refused(
    store: ArchiveStore, other: ArchiveStore
) -> None:
    manifest = write(store)
    same = packed(store)
    unpack(same, store)
    write(other, {"objects.yaml": b"another"})
    with pytest.raises(ArchiveError, match="already, with another content"):
        unpack(packed(other), store)
    assert store.find(ID) == manifest
    assert names(store.folder) == [ID]


def test_a_damaged_file_is_refused_also_where_its_backup_is_there(store: ArchiveStore) -> None:
    manifest = write(store)
    with pytest.raises(ArchiveError, match="cut off"):
        unpack(packed(store)[:-4], store)
    assert store.find(ID) == manifest


def test_a_damaged_backup_is_not_written_over(store: ArchiveStore) -> None:
    write(store)
    sent = packed(store)
    (store.folder / ID / "objects.yaml").unlink()
    with pytest.raises(ArchiveError, match="remove it"):
        unpack(sent, store)
    store.remove(ID)
    unpack(sent, store)
    assert store.verify(ID) == []
