"""Regular files below a folder: found without following links, read, hashed and made to last."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from egx_project.lib import atomic

CHUNK = 1 << 20


class NotRegularError(Exception):
    """Something that is not a regular file lies where one should."""


class Found(NamedTuple):
    path: str
    """Inside the folder."""
    file: Path
    regular: bool


def below(folder: Path, inside: str = "") -> Iterator[Found]:
    """All that lies below the folder and is no folder."""
    for file in sorted(folder.iterdir()):
        mode = file.lstat().st_mode
        if stat.S_ISDIR(mode):
            yield from below(file, f"{inside}{file.name}/")
        else:
            yield Found(f"{inside}{file.name}", file, stat.S_ISREG(mode))


def open_regular(path: Path) -> BinaryIO:
    """The file for reading. Raises NotRegularError for a link or a pipe, which would lead elsewhere or wait forever."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise NotRegularError
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def measured(file: BinaryIO, most: int, *, copy: BinaryIO | None = None) -> tuple[int, str]:
    """Size and SHA-256 of at most so many bytes of the file, which also go into the copy."""
    size, digest = 0, hashlib.sha256()
    while chunk := file.read(min(CHUNK, most - size)):
        size += len(chunk)
        digest.update(chunk)
        if copy is not None:
            copy.write(chunk)
    return size, digest.hexdigest()


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that is at `path` once the block has ended; when that raises, what was there before stays."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")  # as `atomic.PATTERN`
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    atomic.sync_folder(path.parent)


def seal_folders(folder: Path) -> None:
    """Make the folder and those below private, and make what lies in them survive a power cut."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            seal_folders(path)
    folder.chmod(0o700)
    atomic.sync_folder(folder)
