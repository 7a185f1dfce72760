"""Programs that work for an operation: their words are passed on, and they end with the wish for them.

Each is told the folder that it works in by its environment: by that a later attempt finds what an earlier one, which
was killed, has left running, with no note that a kill could come before.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from egx_project.lib.clock import Clock, wait_for

LOOK_SECONDS = 0.25
GRACE_SECONDS = 5.0
"""How long a program may take to end by itself when it is asked to."""
CHUNK_BYTES = 64 * 1024
WORKS_IN = "EGX_WORKS_IN"


def run(
    argv: Sequence[str],
    *,
    folder: Path,
    env: Mapping[str, str],
    say: Callable[[bytes], None],
    look: Callable[[], None],
    clock: Clock,
    stdin: bytes = b"",
) -> int:
    """Run it in the folder to its end; the exit code.

    `look` is called several times a second; what it raises ends the program.
    """
    with subprocess.Popen(
        list(argv),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**env, WORKS_IN: os.fspath(folder)},
        cwd=folder,
        start_new_session=True,
    ) as child:
        try:
            _tell(child.stdin, stdin)
            _listen(child.stdout, say, look)
            return child.wait()
        except BaseException:
            _end(psutil.Process(child.pid), clock)
            child.wait()
            raise


def end_orphans(folder: Path, *, clock: Clock) -> int:
    """End the programs that still work in the folder; how many."""
    found = [process for process in psutil.process_iter() if _works_in(process, os.fspath(folder))]
    for process in found:
        _end(process, clock)
    return len(found)


def _works_in(process: psutil.Process, folder: str) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        return process.uids().real == os.getuid() and process.environ().get(WORKS_IN) == folder
    return False


def _tell(told: IO[bytes] | None, content: bytes) -> None:
    if told is None:
        raise ValueError("the program was started without a pipe to it")
    with contextlib.suppress(BrokenPipeError):  # it has ended already, and says why
        told.write(content)
        told.close()


def _listen(heard: IO[bytes] | None, say: Callable[[bytes], None], look: Callable[[], None]) -> None:
    if heard is None:
        raise ValueError("the program was started without a pipe from it")
    with selectors.DefaultSelector() as selector:
        selector.register(heard, selectors.EVENT_READ)
        while True:
            if selector.select(LOOK_SECONDS):
                content = os.read(heard.fileno(), CHUNK_BYTES)
                if not content:
                    return
                say(content)
            look()


def _end(process: psutil.Process, clock: Clock) -> None:
    """Ask it and all that it has started to end; who does not is killed."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [process, *process.children(recursive=True)]
        for ask in (signal.SIGTERM, signal.SIGKILL):
            for member in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.send_signal(ask)
            if wait_for(lambda: not any(map(_lives, family)) or None, clock=clock, seconds=GRACE_SECONDS):
                return


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
