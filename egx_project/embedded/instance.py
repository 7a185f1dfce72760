"""One EGX for each data directory: a lock that its process holds, and a note of where it answers."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from egx_project.lib import atomic, locks
from egx_project.lib.clock import SystemClock, wait_for
from egx_project.lib.errors import BadInputError, ConflictError, EgxError

STOP_SECONDS = 20.0
LOCK_SECONDS = 0.3


@dataclass(frozen=True)
class Instance:
    """The EGX that runs."""

    pid: int
    started: float
    """The process's start time: with the pid, its identity."""
    url: str


class AlreadyRunningError(ConflictError):
    """Another process has the data directory."""

    def __init__(self, instance: Instance | None, *, hint: str = "") -> None:
        where = f"at {instance.url} (pid {instance.pid})" if instance else "and is just starting"
        super().__init__(f"EGX already runs {where}", hint=hint)
        self.instance = instance


def running(home: Path) -> Instance | None:
    """The EGX of this data directory, if one is alive. Raises BadInputError where its note cannot be read."""
    instance = _noted(home)
    if instance is None:
        return None
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(instance.pid)
        if process.create_time() == instance.started and process.status() != psutil.STATUS_ZOMBIE:
            return instance
    return None


def _noted(home: Path) -> Instance | None:
    try:
        noted = atomic.read_json(home / "egx.json")
        return None if noted is None else Instance(**noted)
    except (ValueError, TypeError):
        if not is_held(home):  # a dead one's: the next one writes its own
            return None
        raise BadInputError(
            f"an EGX runs here, but {home / 'egx.json'}, its note of where, is damaged",
            hint="`egx status` says its pid: end that process, then `egx up`",
        ) from None


def is_held(home: Path) -> bool:
    """Whether some process is the data directory's EGX, be it only just starting."""
    try:
        return locks.is_locked(home / "egx.lock")
    except OSError:  # somebody else's data directory
        return False


@contextlib.contextmanager
def only_one(home: Path, *, url: str) -> Iterator[None]:
    """Be the data directory's EGX. Raises AlreadyRunningError where another is."""
    handle = locks.lock(home / "egx.lock", clock=SystemClock(), seconds=LOCK_SECONDS)
    if handle is None:
        raise AlreadyRunningError(running(home))
    atomic.remove_leftovers(home)
    me = Instance(pid=os.getpid(), started=psutil.Process().create_time(), url=url)
    atomic.write_json(home / "egx.json", asdict(me))
    try:
        yield
    finally:
        (home / "egx.json").unlink(missing_ok=True)
        os.close(handle)


@contextlib.contextmanager
def stopped(home: Path) -> Iterator[None]:
    """No EGX runs over the data directory meanwhile, and none starts. Raises AlreadyRunningError where one does."""
    handle = locks.lock(home / "egx.lock", clock=SystemClock(), seconds=LOCK_SECONDS)
    if handle is None:
        raise AlreadyRunningError(running(home), hint="`egx down` stops it; gateways keep serving")
    try:
        yield
    finally:
        os.close(handle)


def stop(instance: Instance) -> None:
    """End it and return when it is gone. Whatever it was at is taken up by the next `egx up`."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(instance.pid, number)
        gone = wait_for(lambda: True if _is_gone(instance) else None, clock=SystemClock(), seconds=STOP_SECONDS)
        if gone:
            return
    raise EgxError(f"process {instance.pid} does not end")


def _is_gone(instance: Instance) -> bool:
    try:
        process = psutil.Process(instance.pid)
        return process.create_time() != instance.started or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
