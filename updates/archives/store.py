"""Backups on disk: `<folder>/<id>/` with the files and `manifest.json`, each whole or absent whatever is killed.

One is written as `.<id>.new` and gets its name by a rename; it is removed by a rename to `.<id>.gone`. `.<id>.lock`
is held meanwhile. So a name without a dot is a whole backup, and what a killed process left is told from what a
living one is writing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from egx_project.lib import atomic
from egx_project.lib.clock import Clock
from egx_project.lib.errors import ConflictError, NotFoundError
from updates.archives import files
from updates.archives.claims import Claims
from updates.archives.draft import Draft
from updates.archives.errors import ArchiveError, full_disk_told, shown
from updates.archives.manifest import (
    ID,
    LARGEST,
    NAME,
    BackupManifest,
    Fact,
    FileEntry,
    Kind,
    check_id,
    described,
    new_id,
    parse,
)

_LEFT = re.compile(rf"\.({ID})\.(?:new|gone|lock)")
_DAMAGED = "restore from another backup, and remove this one"


class AlreadyThereError(ConflictError):
    """A backup with this id is there already, and whole: `manifest`."""

    def __init__(self, manifest: BackupManifest) -> None:
        super().__init__(f"backup {manifest.id} is there already", hint="use it, or make one with a new id")
        self.manifest = manifest


class ArchiveStore:
    def __init__(self, folder: Path, *, clock: Clock) -> None:
        self.folder = folder
        self._clock = clock
        self._claims = Claims(folder, clock=clock)

    # writing

    @contextlib.contextmanager
    def writing(
        self,
        *,
        kind: Kind,
        subject: str,
        reason: str,
        versions: Mapping[str, str],
        facts: Mapping[str, Fact] | None = None,
        archive_id: str | None = None,
    ) -> Iterator[Draft]:
        """A draft that is a backup once the block has ended, and nothing when the block raises.

        A step that may be repeated gives the id, and asks `find` first. Raises AlreadyThereError before the block
        where a whole backup has that id, ArchiveError where a damaged one has, ConflictError where it is being
        written, NoSpaceError.
        """
        now = self._clock.now()
        about = described(
            id=archive_id or new_id(now),
            kind=kind,
            created_at=now,
            subject=subject,
            reason=reason,
            versions=dict(versions),
            facts=dict(facts or {}),
            files=(),
        )
        with self._drafting(about) as draft:
            yield draft
            draft.finish()

    @contextlib.contextmanager
    def receiving(self, manifest: BackupManifest) -> Iterator[Draft]:
        """As `writing`, for a backup that was made elsewhere: at the end its files must be those of the manifest."""
        with self._drafting(manifest) as draft:
            yield draft
            draft.finish(expected=manifest.files)

    @contextlib.contextmanager
    def _drafting(self, about: BackupManifest) -> Iterator[Draft]:
        with full_disk_told(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._claims.held(about.id) as lock:
                if (there := self.find(about.id)) is not None:
                    raise AlreadyThereError(there)
                temporary = self.folder / f".{about.id}.new"
                _remove_folder(temporary)  # of one that was killed: the lock says that it is dead
                try:
                    temporary.mkdir(mode=0o700)
                    yield Draft(temporary, about, lock=lock)
                    temporary.rename(self.folder / about.id)
                except BaseException:
                    shutil.rmtree(temporary, ignore_errors=True)
                    raise
                atomic.sync_folder(self.folder)

    def remove(self, archive_id: str) -> None:
        """Remove the backup, whole or damaged; one that is not there is removed already."""
        place = self._place(archive_id)
        if not self.folder.is_dir():
            return
        with self._claims.held(archive_id):
            leaving = self.folder / f".{archive_id}.gone"
            _remove_folder(leaving)
            # It loses its name first, so that no kill leaves a part of it that looks like a backup.
            if _is_folder(place):
                place.rename(leaving)
                atomic.sync_folder(self.folder)
            _remove_folder(leaving)

    def remove_unfinished(self) -> list[str]:
        """Remove what killed processes left, and nothing that a living one works on: the ids of what there was."""
        return [archive_id for archive_id in self._left() if self._remove_left(archive_id)]

    def unfinished(self) -> list[str]:
        """The ids of what killed processes left, and no living one works on."""
        return [archive_id for archive_id in self._left() if self._is_abandoned(archive_id)]

    def _left(self) -> list[str]:
        if not self.folder.is_dir():
            return []
        return sorted({match[1] for path in self.folder.iterdir() if (match := _LEFT.fullmatch(path.name))})

    def _is_abandoned(self, archive_id: str) -> bool:
        with self._claims.held_if_free(archive_id) as free:
            return free

    def _remove_left(self, archive_id: str) -> bool:
        with self._claims.held_if_free(archive_id) as free:
            if free:
                for state in ("new", "gone"):
                    _remove_folder(self.folder / f".{archive_id}.{state}")
            return free

    # reading

    def ids(self) -> list[str]:
        """Of all backups, the oldest first."""
        return [name for name in self._names() if re.fullmatch(ID, name)]

    def manifests(self) -> Iterator[tuple[str, BackupManifest | str]]:
        """Of every folder its name, and its manifest or a sentence that says why it has none; files are not read."""
        for name in self._names():
            try:
                yield name, self.read(name)
            except (ArchiveError, NotFoundError) as error:
                yield name, error.message

    def read(self, archive_id: str) -> BackupManifest:
        """What the backup says of itself; `verify` says whether it is true. Raises NotFoundError, ArchiveError."""
        place = self._existing(archive_id)
        try:
            with files.open_regular(place / NAME) as file:
                content = file.read(LARGEST + 1)
        except (FileNotFoundError, files.NotRegularError):
            raise ArchiveError(f"backup {archive_id} has no {NAME}", hint=_DAMAGED) from None
        except OSError as error:
            raise ArchiveError(
                f"backup {archive_id}: {NAME} cannot be read: {error.strerror}", hint=_DAMAGED
            ) from error
        try:
            manifest = parse(content)
        except ArchiveError as error:
            raise ArchiveError(f"backup {archive_id}: {error.message}", hint=_DAMAGED) from None
        if manifest.id != archive_id:
            raise ArchiveError(f"backup {archive_id} has the {NAME} of {manifest.id}", hint=_DAMAGED)
        return manifest

    def find(self, archive_id: str) -> BackupManifest | None:
        """The backup, every byte of it verified; None where there is none. Raises ArchiveError for a damaged one."""
        if not os.path.lexists(place := self._place(archive_id)):
            return None
        if not _is_folder(place):
            raise ArchiveError(f"where backup {archive_id} would be is something else", hint="move it away")
        if problems := self.verify(archive_id):
            raise ArchiveError(
                f"backup {archive_id} is there, but damaged: {problems[0]}",
                hint="remove it and make another",
                problems=problems,
            )
        return self.read(archive_id)

    def verify(self, archive_id: str) -> list[str]:
        """What is wrong with the backup, in sentences; nothing where it is whole. Raises NotFoundError."""
        place = self._existing(archive_id)
        try:
            manifest = self.read(archive_id)
        except ArchiveError as error:
            return [error.message]
        problems = [problem for entry in manifest.files if (problem := _differs(place, entry))]
        known = {entry.path for entry in manifest.files} | {NAME}
        problems += [
            f"{shown(found.path)} is not in the manifest" for found in files.below(place) if found.path not in known
        ]
        return problems

    def open(self, archive_id: str, path: str) -> bytes:
        """A file of the backup, verified. Raises NotFoundError, ArchiveError. It is read whole into memory."""
        entry = self._entry(archive_id, path)
        with self._reading(archive_id, entry) as file:
            content = file.read(entry.size + 1)
        _check(archive_id, entry, (len(content), hashlib.sha256(content).hexdigest()))
        return content

    def extract(self, archive_id: str, path: str, to: Path) -> None:
        """Put a file of the backup, verified, at `to`: whole, or what was there before stays.

        Raises NotFoundError, ArchiveError, NoSpaceError.
        """
        entry = self._entry(archive_id, path)
        with self._reading(archive_id, entry) as file, full_disk_told(to.parent), files.replacing(to) as target:
            _check(archive_id, entry, files.measured(file, entry.size + 1, copy=target))

    def _entry(self, archive_id: str, path: str) -> FileEntry:
        entry = self.read(archive_id).entry(path)
        if entry is None:
            raise NotFoundError(f"backup {archive_id} has no file {shown(path)}")
        return entry

    @contextlib.contextmanager
    def _reading(self, archive_id: str, entry: FileEntry) -> Iterator[BinaryIO]:
        try:
            file = files.open_regular(self._place(archive_id) / entry.path)
        except (FileNotFoundError, NotADirectoryError, files.NotRegularError):
            raise ArchiveError(f"backup {archive_id}: {shown(entry.path)} is missing", hint=_DAMAGED) from None
        with file:
            yield file

    def _names(self) -> list[str]:
        if not self.folder.is_dir():
            return []
        with os.scandir(self.folder) as found:
            return sorted(
                entry.name for entry in found if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
            )

    def _place(self, archive_id: str) -> Path:
        try:
            return self.folder / check_id(archive_id)
        except ValueError as error:
            raise ArchiveError(
                str(error), hint="ids look like bk-20260131T120000Z-0a1b2c, and are names of folders"
            ) from None

    def _existing(self, archive_id: str) -> Path:
        place = self._place(archive_id)
        if not _is_folder(place):
            raise NotFoundError(f"there is no backup {archive_id}", hint="see which there are")
        return place


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _differs(place: Path, entry: FileEntry) -> str:
    try:
        with files.open_regular(place / entry.path) as file:
            size = os.fstat(file.fileno()).st_size
            # Of a file of another size the content need not be read.
            found = files.measured(file, entry.size + 1) if size == entry.size else (size, "")
    except (FileNotFoundError, NotADirectoryError):
        return f"{shown(entry.path)} is missing"
    except files.NotRegularError:
        return f"{shown(entry.path)} is not a regular file"
    except OSError as error:
        return f"{shown(entry.path)} cannot be read: {error.strerror}"
    return difference(entry, *found)


def difference(entry: FileEntry, size: int, sha256: str) -> str:
    """How a file that was found differs from its entry, as a sentence; empty where it does not."""
    if size != entry.size:
        return f"{shown(entry.path)} has {size} bytes, and had {entry.size} when the backup was made"
    if sha256 != entry.sha256:
        return f"{shown(entry.path)} has another content than when the backup was made (its SHA-256 differs)"
    return ""


def _check(archive_id: str, entry: FileEntry, found: tuple[int, str]) -> None:
    if problem := difference(entry, *found):
        raise ArchiveError(f"backup {archive_id}: {problem}", hint=_DAMAGED)


def _remove_folder(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
