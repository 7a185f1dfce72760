"""Where the testbed keeps what it made, and who may make something now."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK_SECONDS = 3600.0
"""Longer than everything takes from nothing, on two busy cores."""


class TestbedError(Exception):
    """What is missing or failed, and what to do."""

    __test__ = False


def cache() -> Path:
    given = os.environ.get("EGX_TESTBED_CACHE")
    folder = Path(given) if given else Path.home() / ".cache" / "egx-testbed"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.absolute()


def folder(name: str) -> Path:
    made = cache() / name
    made.mkdir(parents=True, exist_ok=True)
    return made


@contextmanager
def alone() -> Iterator[None]:
    """One process at a time changes the testbed; the others wait for it."""
    lock = FileLock(cache() / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say("another process is at the testbed; waiting for it")
        try:
            lock.acquire(timeout=LOCK_SECONDS)
        except Timeout as error:
            raise TestbedError(
                f"another process has held {lock.lock_file} for {LOCK_SECONDS:.0f} s; see what it does, or end it"
            ) from error
    try:
        yield
    finally:
        lock.release()


def say(text: str) -> None:
    print(f"testbed: {text}", file=sys.stderr, flush=True)
