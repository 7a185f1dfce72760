"""A gateway's folder on this host: one change at a time, and only by the newest attempt of its realm."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from filelock import FileLock

from deployments.drivers.base import DriverError, FencedError, Scope
from egx_project.lib import atomic

LOCK_SECONDS = 30
Effect = TypeVar("Effect", bound=Callable[..., Any])


def lock(folder: Path) -> FileLock:
    """One change at a time in a gateway's folder, whichever process makes it. Released by the holder's death."""
    return FileLock(folder / "lock", timeout=LOCK_SECONDS)


class Folders:
    """The folders of one runtime's gateways, below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def of(self, key: str) -> Path:
        return self.root / key

    def names(self) -> list[str]:
        """Of the gateways that have a folder."""
        return sorted(folder.name for folder in self.root.iterdir() if folder.is_dir()) if self.root.is_dir() else []

    def fence(self, scope: Scope) -> None:
        """From now on only this attempt of its realm, or a newer one, owns the folder; it is made if need be.

        Raises FencedError for an older attempt.
        """
        self._make(scope.key)
        with self.locked(scope.key):
            newest = self._newest(scope)
            if scope.fence < newest:
                raise FencedError(f"attempt {scope.fence} of {scope.key} is superseded by {newest}")
            # Of attempts that were killed. Whoever writes here holds the lock, so nobody is writing now.
            atomic.remove_leftovers(self.of(scope.key), below=True)
            atomic.write_json(self._file(scope), scope.fence)

    @contextlib.contextmanager
    def owned(self, scope: Scope) -> Iterator[None]:
        """Hold the lock as the newest attempt; raises FencedError where another one is that."""
        with self.locked(scope.key):
            newest = self._newest(scope)
            if scope.fence != newest:
                raise FencedError(f"attempt {scope.fence} of {scope.key} is superseded by {newest}")
            yield

    @contextlib.contextmanager
    def locked(self, key: str) -> Iterator[None]:
        if not self.of(key).is_dir():
            raise DriverError(f"gateway {key} has no folder below {self.root}")
        try:
            with lock(self.of(key)):
                yield
        except OSError as error:  # a full disk, a folder that is read-only: said as what it is
            raise DriverError(f"{error.filename or self.of(key)}: {error.strerror or error}") from error

    def _make(self, key: str) -> None:
        folder = self.of(key)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise DriverError(f"{folder} cannot be made: {error.strerror}") from error

    def _newest(self, scope: Scope) -> int:
        return int(atomic.read_json(self._file(scope)) or 0)

    def _file(self, scope: Scope) -> Path:
        return self.of(scope.key) / f"{scope.realm}-fence.json"


class HasFolders(Protocol):
    folders: Folders


def fenced(effect: Effect) -> Effect:
    """An effect of a driver, made as a whole under the gateway's lock and by the newest attempt; else refused."""

    @functools.wraps(effect)
    def owned(driver: HasFolders, scope: Scope, *arguments: object, **named: object) -> object:
        with driver.folders.owned(scope):
            return effect(driver, scope, *arguments, **named)

    return cast("Effect", owned)
