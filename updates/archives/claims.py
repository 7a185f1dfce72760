"""Who works on which backup: one process at a time writes or removes one, and what a dead one left can be told."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from egx_project.lib import locks
from egx_project.lib.clock import Clock
from egx_project.lib.errors import ConflictError

_PATIENCE = 2.0  # seconds: whoever looks for leftovers holds a lock for an instant


class Claims:
    def __init__(self, folder: Path, *, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    @contextlib.contextmanager
    def held(self, archive_id: str) -> Iterator[int]:
        """Only this process works on the backup meanwhile. Raises ConflictError where another does."""
        handle = self._take(archive_id, seconds=_PATIENCE)
        if handle is None:
            raise ConflictError(
                f"another process is working on backup {archive_id}", hint="try again when it has finished"
            )
        try:
            yield handle
        finally:
            self._give_back(archive_id, handle)

    @contextlib.contextmanager
    def held_if_free(self, archive_id: str) -> Iterator[bool]:
        """Whether nobody else works on the backup; then nobody does meanwhile."""
        handle = self._take(archive_id, seconds=0)
        try:
            yield handle is not None
        finally:
            if handle is not None:
                self._give_back(archive_id, handle)

    def _take(self, archive_id: str, *, seconds: float) -> int | None:
        file = self._file(archive_id)
        while (handle := locks.lock(file, clock=self._clock, seconds=seconds)) is not None:
            # Whoever held it before has removed the file: a lock on a file without a name keeps nobody out.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), file.stat()):
                    return handle
            os.close(handle)
        return None

    def _give_back(self, archive_id: str, handle: int) -> None:
        self._file(archive_id).unlink(missing_ok=True)
        os.close(handle)

    def _file(self, archive_id: str) -> Path:
        return self._folder / f".{archive_id}.lock"
