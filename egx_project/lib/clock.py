"""Time as a dependency: what waits or stamps takes a clock, so that a test can be one."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol, TypeVar

Seen = TypeVar("Seen")


class Clock(Protocol):
    def now(self) -> datetime:
        """The wall clock, aware, UTC: for stamps, never for measuring."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow: for deadlines."""
        ...

    def pause(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(tz=UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)


def wait_for(look: Callable[[], Seen | None], *, clock: Clock, seconds: float, every: float = 0.02) -> Seen | None:
    """What `look` first returns that is not None, or None when `seconds` have passed without it."""
    deadline = clock.monotonic() + seconds
    while True:
        seen = look()
        if seen is not None:
            return seen
        if clock.monotonic() >= deadline:
            return None
        clock.pause(every)
