"""One EGX for each data directory: a lock that its process holds, and a note of where it answers."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from egx_project.lib import atomic
from egx_project.lib.clock import SystemClock, wait_for
from egx_project.lib.errors import EgxError

STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Instance:
    """The EGX that runs."""

    pid: int
    started: float
    """The process's start time: with the pid, its identity."""
    url: str


class AlreadyRunningError(EgxError):
    """Another process has the data directory."""

    def __init__(self, instance: Instance | None) -> None:
        where = f"at {instance.url} (pid {instance.pid})" if instance else "and is just starting"
        super().__init__(f"EGX already runs {where}")
        self.instance = instance


def running(home: Path) -> Instance | None:
    """The EGX of this data directory, if one is alive."""
    noted = atomic.read_json(home / "egx.json")
    if noted is None:
        return None
    instance = Instance(**noted)
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(instance.pid)
        if process.create_time() == instance.started and process.status() != psutil.STATUS_ZOMBIE:
            return instance
    return None


@contextlib.contextmanager
def only_one(home: Path, *, url: str) -> Iterator[None]:
    """Be the data directory's EGX. Raises AlreadyRunningError where another is."""
    handle = os.open(home / "egx.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise AlreadyRunningError(running(home)) from None
    me = Instance(pid=os.getpid(), started=psutil.Process().create_time(), url=url)
    atomic.write_json(home / "egx.json", asdict(me))
    try:
        yield
    finally:
        (home / "egx.json").unlink(missing_ok=True)
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
