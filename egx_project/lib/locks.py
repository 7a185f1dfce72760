"""Locks on files that a process holds as long as it, or a child that inherited the handle, lives."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from egx_project.lib.clock import Clock, wait_for


def is_locked(file: Path) -> bool:
    """Whether some process holds the lock. Raises OSError where the file is there and cannot be opened."""
    try:
        handle = os.open(file, os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def lock(file: Path, *, clock: Clock, seconds: float) -> int | None:
    """The handle that holds the lock until it is closed; None where another process has it.

    `seconds` are for those who only ask whether it is locked: they hold it for an instant.
    """
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)

    def take() -> int | None:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        return None

    held = wait_for(take, clock=clock, seconds=seconds, every=0.01)
    if held is None:
        os.close(handle)
    return held
