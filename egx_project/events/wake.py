"""Wake-ups inside one process: something was committed, look at the rows. Losing one costs a poll's delay."""

from __future__ import annotations

import threading
from collections.abc import Callable

Callback = Callable[[], None]

_lock = threading.Lock()
_sleepers: dict[int, Callback] = {}
_next = 0


def subscribe(callback: Callback) -> Callback:
    """Call `callback` (quick, from any thread) after each commit that recorded events; the answer ends it."""
    global _next  # noqa: PLW0603
    with _lock:
        _next += 1
        number = _next
        _sleepers[number] = callback

    def unsubscribe() -> None:
        with _lock:
            _sleepers.pop(number, None)

    return unsubscribe


def everyone() -> None:
    with _lock:
        callbacks = list(_sleepers.values())
    for callback in callbacks:
        callback()
