"""What can be wrong with a backup, for those who must do something about it."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from egx_project.lib.errors import BadInputError, EgxError

_SHOWN = 100


class ArchiveError(BadInputError):
    """A backup, or what is said to be one, is not what it must be."""

    title = "Bad backup"


class NoSpaceError(EgxError):
    """The disk is full; nothing was written."""

    status = 507
    title = "No space left"


@contextlib.contextmanager
def full_disk_told(folder: Path) -> Iterator[None]:
    """A disk that fills up is told as such: it is what people can do something about."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise NoSpaceError(
            f"there is no space left in {folder}; nothing of what was to be written was kept",
            hint="free some space there, for example from backups that are not needed, and try again",
        ) from error


def shown(name: str) -> str:
    """A name that a stranger chose, safe to print."""
    whole = ascii(name)
    return whole if len(whole) <= _SHOWN else f"{whole[:_SHOWN]}…"
