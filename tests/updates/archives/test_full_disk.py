"""A disk that fills up while a backup is written: nothing of it stays, and the user is told."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.requirements import require
from tests.updates.archives.builders import ID, OTHER_ID, described, members_of, names, store_in, write, zipped
from updates.archives import packing
from updates.archives.errors import NoSpaceError
from updates.archives.store import ArchiveStore

TOO_MUCH = os.urandom(200_000)


@pytest.fixture
def full(tmp_path: Path) -> Iterator[ArchiveStore]:
    """A store on a disk of 128 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    require("tmpfs", present=os.geteuid() == 0, why="a small disk can be mounted by root only")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)], check=False)
    require("tmpfs", present=mounted.returncode == 0, why="this machine does not let root mount a small disk")
    try:
        yield store_in(disk / "backups")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_writing_leaves_nothing(full: ArchiveStore, tmp_path: Path) -> None:
    with pytest.raises(NoSpaceError, match="no space left"):
        write(full, {"small": b"x", "to large": TOO_MUCH})
    assert names(full.folder) == []
    (tmp_path / "large").write_bytes(TOO_MUCH)
    with pytest.raises(NoSpaceError, match="no space left"), full.writing(**described()) as draft:
        draft.copy("large", tmp_path / "large")
    assert names(full.folder) == []
    write(full)
    assert full.verify(ID) == []


def fill(file: Path) -> None:
    """Write until not a page is left, as a tool that leaves no room for others."""
    with file.open("wb", buffering=0) as written, contextlib.suppress(OSError):
        while written.write(bytes(4096)):
            pass


def test_a_disk_without_room_for_the_manifest_leaves_nothing(full: ArchiveStore) -> None:
    with pytest.raises(NoSpaceError, match="no space left"), full.writing(archive_id=ID, **described()) as draft:
        fill(draft.target("fills"))
    assert names(full.folder) == []


def test_unpacking_leaves_nothing(full: ArchiveStore) -> None:
    sent = zipped(*members_of({"small": b"x", "large": TOO_MUCH}))
    with pytest.raises(NoSpaceError, match="no space left"):
        packing.unpack(io.BytesIO(sent), full, limits=packing.Limits())
    assert names(full.folder) == []


def test_packing_and_extracting_leave_nothing(full: ArchiveStore, tmp_path: Path) -> None:
    roomy = store_in(tmp_path / "roomy")
    write(roomy, {"large": TOO_MUCH})
    write(full, archive_id=OTHER_ID)
    with pytest.raises(NoSpaceError, match="no space left"):
        packing.pack(roomy, ID, full.folder / "packed")
    with pytest.raises(NoSpaceError, match="no space left"):
        roomy.extract(ID, "large", full.folder / "extracted")
    assert names(full.folder) == [OTHER_ID]
    assert full.verify(OTHER_ID) == []
