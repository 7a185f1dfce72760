"""Detached processes that EGX can find, judge, stop and start again: a small service manager over a folder each.

A unit is a folder with `unit.json` (what to run, and whether it should run), `pid.json` (what runs) and `alive`, a file
that the process itself keeps locked from its first moment to its last, because it inherits the lock. So a kill between
start and the writing of `pid.json` neither loses a process nor starts a second one.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from deployments.drivers.base import DriverError
from egx_project.lib import atomic, locks
from egx_project.lib.clock import Clock, SystemClock, wait_for

STOP_SECONDS = 5.0
START_SECONDS = 2.0
LOCK_SECONDS = 0.2

_children: list[subprocess.Popen[bytes]] = []
_children_lock = threading.Lock()


@dataclass(frozen=True)
class UnitFile:
    """What a unit runs. `facts` is its owner's own."""

    argv: list[str]
    cwd: str
    wanted: bool
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Running:
    pid: int
    started: float
    """The process's own start time, seconds since the epoch: with the pid, its identity."""


class Unit:
    def __init__(self, folder: Path, *, clock: Clock | None = None) -> None:
        self.folder = folder
        self.clock = clock or SystemClock()

    @property
    def name(self) -> str:
        return self.folder.name

    def read(self) -> UnitFile | None:
        """What it should run, or None where there is no such unit."""
        found = atomic.read_json(self.folder / "unit.json")
        return UnitFile(**found) if found else None

    def write(self, unit: UnitFile) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        atomic.write_json(self.folder / "unit.json", asdict(unit))

    def running(self) -> Running | None:
        """The process, if it is alive, whoever started it."""
        noted = atomic.read_json(self.folder / "pid.json")
        if noted and _start_time(noted["pid"]) == noted["started"]:
            return Running(**noted)
        if not locks.is_locked(self.folder / "alive"):
            return None
        return self._search()

    def _search(self) -> Running | None:
        """Find by its command line and folder a process whose starter died before it could note the pid."""
        unit = self.read()
        if unit is None:
            return None
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.cmdline() == unit.argv and process.cwd() == str(Path(unit.cwd).resolve()):
                    return self._note(process)
        return None

    def _note(self, process: psutil.Process) -> Running:
        running = Running(pid=process.pid, started=process.create_time())
        # One who only looks has no lock, and may find the folder being tidied: then the next look notes it.
        with contextlib.suppress(FileNotFoundError):
            atomic.write_json(self.folder / "pid.json", asdict(running))
        return running

    def start(self) -> Running:
        """Run what `unit.json` says, unless it runs. Raises DriverError where it cannot be run at all."""
        unit = self.read()
        if unit is None:
            raise DriverError(f"there is no unit {self.folder}")
        found = self.running()
        if found:
            return found
        handle = locks.lock(self.folder / "alive", clock=self.clock, seconds=LOCK_SECONDS)
        if handle is None:
            found = wait_for(self.running, clock=self.clock, seconds=START_SECONDS)
            if found is None:
                raise DriverError(f"{self.folder / 'alive'} is locked by a process that is not {unit.argv[0]}")
            return found
        try:
            return self._note(psutil.Process(self._spawn(unit, handle)))
        except psutil.NoSuchProcess:
            raise DriverError(f"{unit.argv[0]} ended as soon as it was started", hint=self.last_words()) from None
        finally:
            os.close(handle)

    def _spawn(self, unit: UnitFile, handle: int) -> int:
        with (self.folder / "output.log").open("ab") as output:
            try:
                child = subprocess.Popen(
                    unit.argv,
                    cwd=unit.cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    pass_fds=(handle,),
                )
            except OSError as error:
                raise DriverError(f"{unit.argv[0]} cannot be run: {error.strerror}") from error
        with _children_lock:
            _children.append(child)
        return child.pid

    def stop(self) -> None:
        """End the process and return when it is gone; the unit is not wanted any more."""
        unit = self.read()
        if unit is not None and unit.wanted:
            self.write(UnitFile(argv=unit.argv, cwd=unit.cwd, wanted=False, facts=unit.facts))
        self.end()

    def end(self) -> None:
        """End the process, wanted or not, and return when it is gone."""
        running = self.running()
        if running is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(running.pid, number)
            gone = wait_for(
                lambda: True if _start_time(running.pid) != running.started else None,
                clock=self.clock,
                seconds=STOP_SECONDS,
            )
            if gone:
                (self.folder / "pid.json").unlink(missing_ok=True)
                return
        raise DriverError(f"process {running.pid} of {self.folder} does not end, not even by SIGKILL")

    def last_words(self) -> str:
        """The end of what it printed, for error messages."""
        for name in ("output.log", "envoy.log"):
            with contextlib.suppress(FileNotFoundError):
                lines = (self.folder / name).read_text(errors="replace").strip().splitlines()
                if lines:
                    return lines[-1][:300]
        return ""


def reap() -> None:
    """Collect what the system keeps of children that ended."""
    with _children_lock:
        _children[:] = [child for child in _children if child.poll() is None]


def await_end(pids: Sequence[int], *, seconds: float) -> bool:
    """Return True when one of the processes has ended or the time is over; False at once where no system call tells."""
    if not hasattr(os, "pidfd_open"):
        return False
    with contextlib.ExitStack() as opened:
        ends = select.poll()
        for pid in pids:
            try:
                handle = os.pidfd_open(pid)
            except ProcessLookupError:
                return True
            opened.callback(os.close, handle)
            ends.register(handle, select.POLLIN)
        ends.poll(seconds * 1000)
    return True


def all_units(run: Path) -> Iterator[Unit]:
    """Every unit below the folder: of gateways (two levels down) and of EGX itself (one level)."""
    for pattern in ("*/unit.json", "*/*/unit.json"):
        for file in sorted(run.glob(pattern)):
            yield Unit(file.parent)


def _start_time(pid: int) -> float | None:
    reap()
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None
