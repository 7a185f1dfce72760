"""A folder for each build on this host: its log, its source, and the fence behind which its newest attempt works."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from filelock import FileLock

from deployments.drivers.base import DriverError, FencedError, Scope
from deployments.drivers.build_log import BuildLog
from egx_project.lib import atomic

LOCK_SECONDS = 30


class Desks:
    def __init__(self, root: Path) -> None:
        self.root = root

    def of(self, key: str) -> Path:
        return self.root / key

    def log(self, key: str) -> BuildLog:
        return BuildLog(self.of(key) / "log")

    def fence(self, scope: Scope) -> None:
        """From now on only this attempt, or a newer one, works here. Raises FencedError for an older one."""
        self.of(scope.key).mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked(scope.key):
            if scope.fence < self._newest(scope.key):
                raise _superseded(scope)
            atomic.remove_leftovers(self.of(scope.key))
            atomic.write_json(self._file(scope.key), scope.fence)

    @contextlib.contextmanager
    def owned(self, scope: Scope) -> Iterator[None]:
        """Hold the lock as the newest attempt; raises FencedError where another one is that."""
        with self._locked(scope.key):
            self.refuse_superseded(scope)
            yield

    def refuse_superseded(self, scope: Scope) -> None:
        """The same look without the lock, for what takes long. Raises FencedError."""
        if scope.fence != self._newest(scope.key):
            raise _superseded(scope)

    def keep_only(self, keys: Iterable[str]) -> None:
        kept = set(keys)
        for desk in self.root.iterdir() if self.root.is_dir() else ():
            if desk.name not in kept:
                shutil.rmtree(desk, ignore_errors=True)

    @contextlib.contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        try:
            with FileLock(self.of(key) / "lock", timeout=LOCK_SECONDS):
                yield
        except OSError as error:  # a full disk, a folder that is read-only: said as what it is
            raise DriverError(f"{error.filename or self.of(key)}: {error.strerror or error}") from error

    def _newest(self, key: str) -> int:
        return int(atomic.read_json(self._file(key)) or 0)

    def _file(self, key: str) -> Path:
        return self.of(key) / "fence.json"


def _superseded(scope: Scope) -> FencedError:
    return FencedError(f"attempt {scope.fence} of {scope.key} is superseded")
