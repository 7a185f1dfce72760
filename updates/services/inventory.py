"""Whether the catalogue of backups and the disk say the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from egx_project.lib.errors import EgxError
from updates import backups
from updates.archives.store import ArchiveStore
from updates.models import Backup, BackupState

What = Literal["not_catalogued", "missing", "damaged", "unfinished"]


@dataclass(frozen=True)
class Finding:
    what: What
    backup: str
    message: str


def findings() -> list[Finding]:
    """What is not as it should be. Every file of every backup is read; nothing is changed."""
    store = backups.store()
    there = set(store.ids())
    return [*_of_disk(store, there), *_of_catalogue(there), *_left(store)]


def _of_disk(store: ArchiveStore, there: set[str]) -> Iterator[Finding]:
    known = set(Backup.objects.filter(key__in=there).values_list("key", flat=True))
    for key in sorted(there):
        try:
            problems = store.verify(key)
        except EgxError:  # removed since
            continue
        if problems:
            yield Finding("damaged", key, f"backup {key} is damaged: {problems[0]}")
        elif key not in known:
            yield Finding("not_catalogued", key, f"backup {key} is on the disk, and not in the catalogue")


def _of_catalogue(there: set[str]) -> Iterator[Finding]:
    for row in Backup.objects.exclude(key__in=there).exclude(state=BackupState.MISSING).order_by("key"):
        yield Finding("missing", row.key, f"backup {row.key} is in the catalogue, and not on the disk")


def _left(store: ArchiveStore) -> Iterator[Finding]:
    for key in store.unfinished():
        yield Finding("unfinished", key, f"a process that was killed left a part of backup {key}")
