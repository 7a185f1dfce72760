"""Backups for tests, and what a forger would send instead."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from updates.archives import packing
from updates.archives.manifest import BackupManifest, FileEntry
from updates.archives.store import ArchiveStore

NOW = datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)
ID = "bk-20260131T120000Z-0a1b2c"
OTHER_ID = "bk-20260131T120000Z-ffffff"
FILES = {"objects.yaml": b"kind: Gateway\n", "state/empty": b"", "state/rows.json": b'{"rows":[1,2,3]}\n'}
LIMITS = packing.Limits(bytes=1_000_000, files=20)


class StandingClock:
    """Time passes only for those who wait."""

    def __init__(self) -> None:
        self.waited = 0.0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.waited

    def pause(self, seconds: float) -> None:
        self.waited += seconds


def store_in(folder: Path) -> ArchiveStore:
    return ArchiveStore(folder, clock=StandingClock())


def described() -> dict[str, Any]:
    """What a backup is given besides its files."""
    return {
        "kind": "gateway",
        "subject": "gateway/demo",
        "reason": "before an update",
        "versions": {"egx": "0.1.0", "engine": "1.36.2"},
        "facts": {"routes": 3, "tls": False, "note": None, "runtime": "process"},
    }


def write(store: ArchiveStore, files: Mapping[str, bytes] = FILES, *, archive_id: str = ID) -> BackupManifest:
    with store.writing(archive_id=archive_id, **described()) as draft:
        for path, content in files.items():
            draft.write_bytes(path, content)
    return draft.manifest


def packed(store: ArchiveStore, archive_id: str = ID) -> bytes:
    file = io.BytesIO()
    packing.pack(store, archive_id, file)
    return file.getvalue()


def names(folder: Path) -> list[str]:
    """All that lies in the folder, hidden or not."""
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def manifest_of(contents: Mapping[str, bytes], **changes: Any) -> BackupManifest:
    """What the manifest of a backup of these files says, with changes."""
    entries = tuple(
        FileEntry(path=path, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        for path, content in contents.items()
    )
    fields: dict[str, Any] = {"id": ID, "created_at": NOW, "files": entries} | described() | changes
    return BackupManifest(**fields)


def member(name: str, content: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """A member of a tar file, with any field that a header has."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def members_of(files: Mapping[str, bytes]) -> list[tuple[tarfile.TarInfo, bytes]]:
    """Those of an honest archive of these files."""
    manifest = member("manifest.json", manifest_of(files).to_bytes())
    return [manifest, *(member(path, content) for path, content in files.items())]


def tar_of(*members: tuple[tarfile.TarInfo, bytes], form: Literal[0, 1, 2] = tarfile.PAX_FORMAT) -> bytes:
    """A tar file of the members, whatever they say of themselves."""
    file = io.BytesIO()
    for info, content in members:
        file.write(info.tobuf(form))
        file.write(content + bytes(-len(content) % tarfile.BLOCKSIZE))
    file.write(bytes(tarfile.RECORDSIZE))
    return file.getvalue()


def zipped(*members: tuple[tarfile.TarInfo, bytes], form: Literal[0, 1, 2] = tarfile.PAX_FORMAT) -> bytes:
    return gzip.compress(tar_of(*members, form=form), mtime=0)
