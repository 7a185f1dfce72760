"""Files that are whole or absent, whatever is killed."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATTERN = ".*.tmp"
"""What `_put` calls its temporary files."""


def write_bytes(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Put `content` at `path` by a temporary file beside it, fsync and rename.

    Raises OSError (a full disk among them) with the old file untouched and no temporary file left.
    """
    _put(path, content, mode, lambda temporary: temporary.replace(path))


def write_new(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """As `write_bytes`, but a file that is there stays: of several writers the first wins."""

    def link(temporary: Path) -> None:
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            pass
        except OSError:  # a file system without links: whole or absent still, but the last writer wins
            temporary.replace(path)
        temporary.unlink(missing_ok=True)

    _put(path, content, mode, link)


def _put(path: Path, content: bytes, mode: int, place: Callable[[Path], object]) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        place(Path(temporary))
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise
    sync_folder(path.parent)


def write_json(path: Path, value: object, *, mode: int = 0o600) -> None:
    """`value` as JSON with sorted keys: the same value is the same bytes."""
    write_bytes(path, json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n", mode=mode)


def read_json(path: Path) -> Any:  # noqa: ANN401
    """The value in a JSON file, or None where there is no file."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None


def sync_folder(folder: Path) -> None:
    """Make renames and removals in `folder` survive a power cut, where the platform can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_leftovers(folder: Path, *, below: bool = False) -> None:
    """Remove the temporary files that a killed write left in `folder`, with `below` also in what lies below it."""
    for left in folder.rglob(PATTERN) if below else folder.glob(PATTERN):
        left.unlink(missing_ok=True)
