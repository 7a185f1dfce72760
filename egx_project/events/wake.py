"""Wake-ups: something was committed, look at the rows. Losing one costs a poll's delay."""

from __future__ import annotations

import threading
from collections.abc import Callable

Callback = Callable[[], None]

_lock = threading.Lock()
_sleepers: dict[int, Callback] = {}
_tellers: dict[int, Callback] = {}
_next = 0


def subscribe(callback: Callback) -> Callback:
    """Call `callback` (quick, from any thread) when events were committed here or elsewhere; the answer ends it."""
    return _subscribe(callback, _sleepers)


def subscribe_to_own(callback: Callback) -> Callback:
    """The same, but only for what this process committed: for who tells the others."""
    return _subscribe(callback, _tellers)


def _subscribe(callback: Callback, callbacks: dict[int, Callback]) -> Callback:
    global _next  # noqa: PLW0603
    with _lock:
        _next += 1
        number = _next
        callbacks[number] = callback

    def unsubscribe() -> None:
        with _lock:
            callbacks.pop(number, None)

    return unsubscribe


def everyone() -> None:
    """This process has committed events."""
    here()
    _call(_tellers)


def here() -> None:
    """Another process has."""
    _call(_sleepers)


def _call(callbacks: dict[int, Callback]) -> None:
    with _lock:
        found = list(callbacks.values())
    for callback in found:
        callback()
