"""A backup that is being written."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from pydantic import ValidationError

from egx_project.lib import atomic
from updates.archives import files
from updates.archives.errors import ArchiveError, shown
from updates.archives.manifest import NAME, BackupManifest, Fact, FileEntry, canonical, check_path, described


class Draft:
    """Files are put into it until the block in which it was made ends; then `manifest` is what the backup became.

    `facts` can be added to until then. `lock` is the handle that says that somebody writes: a tool that is given it
    (`pass_fds`) keeps the folder from being cleaned away, or written anew, while it outlives its parent.
    """

    def __init__(self, folder: Path, about: BackupManifest, *, lock: int) -> None:
        self.id = about.id
        self.lock = lock
        self.facts: dict[str, Fact] = dict(about.facts)
        self._folder = folder
        self._about = about
        self._promised: set[str] = set()
        self._manifest: BackupManifest | None = None

    @property
    def manifest(self) -> BackupManifest:
        if self._manifest is None:
            raise RuntimeError("a draft has a manifest once its block has ended")
        return self._manifest

    def target(self, path: str) -> Path:
        """Where to write this file, for tools that do so themselves; it must be there when the block ends.

        It may also become a folder of files. Raises ArchiveError for a path that is none, or is given already.
        """
        try:
            check_path(path)
        except ValueError as error:
            raise ArchiveError(str(error), hint="choose another path inside the backup") from None
        if path in self._promised:
            raise ArchiveError(f"{shown(path)} is already in the backup", hint="choose another path inside it")
        place = self._folder / path
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise ArchiveError(f"{shown(path)} would lie below another file", hint="choose another path") from None
        self._promised.add(path)
        return place

    def write_bytes(self, path: str, content: bytes) -> None:
        with os.fdopen(os.open(self.target(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)

    def write_json(self, path: str, value: object) -> None:
        """`value` as JSON, the same value always as the same bytes."""
        self.write_bytes(path, canonical(value))

    def copy(self, path: str, source: Path) -> None:
        """The content of `source`."""
        shutil.copyfile(source, self.target(path))

    def finish(self, *, expected: tuple[FileEntry, ...] | None = None) -> None:
        """Hash all files, make them last, and write the manifest. With `expected` they must be exactly those."""
        entries = tuple(_entry(found) for found in files.below(self._folder))
        self._all_there({entry.path for entry in entries})
        if expected is not None and sorted(entries, key=str) != sorted(expected, key=str):
            raise ArchiveError(
                f"what was written of backup {self.id} is not what its manifest says",
                hint="try again; if it stays so, check the disk",
            )
        about = {name: getattr(self._about, name) for name in BackupManifest.model_fields}
        manifest = described(**about | {"facts": self.facts, "files": entries})
        atomic.write_bytes(self._folder / NAME, manifest.to_bytes())
        files.seal_folders(self._folder)
        self._manifest = manifest

    def _all_there(self, there: set[str]) -> None:
        for path in sorted(self._promised):
            if path not in there and not any(found.startswith(f"{path}/") for found in there):
                raise ArchiveError(f"{shown(path)} was to be in the backup, but nothing wrote it")


def _entry(found: files.Found) -> FileEntry:
    if not found.regular:
        raise ArchiveError(f"{shown(found.path)} is not a regular file", hint="only files can be in a backup")
    # Through one handle, so that what is made to last is what was measured.
    with files.open_regular(found.file) as content:
        os.fchmod(content.fileno(), 0o600)
        size, sha256 = files.measured(content, sys.maxsize)
        os.fsync(content.fileno())
    try:
        return FileEntry(path=found.path, size=size, sha256=sha256)
    except ValidationError:
        raise ArchiveError(f"{shown(found.path)} cannot be in a backup", hint="give the file another name") from None
