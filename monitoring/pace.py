"""How soon a browser may be pushed to again: at once after a quiet time, ever less often while much goes on."""

from __future__ import annotations

from collections import deque

MOST_A_SECOND = 5
PAUSES = (0.0, 0.03, 0.06, 0.12, 0.24)
"""Seconds between pushes, by how many there were in the last second. A change of a route takes about 0.13 s: it is
seen as it goes, in few pushes, and a long operation never makes more than five in any second."""


class Pace:
    """Of one browser. Times are seconds of any clock that only grows."""

    def __init__(self) -> None:
        self._pushes: deque[float] = deque(maxlen=MOST_A_SECOND)

    def pushed(self, now: float) -> None:
        self._pushes.append(now)

    def pause(self, now: float) -> float:
        """How long the next push must wait."""
        recent = [at for at in self._pushes if now - at < 1.0]
        if not recent:
            return 0.0
        if len(recent) == MOST_A_SECOND:
            return recent[0] + 1.0 - now
        return max(0.0, recent[-1] + PAUSES[len(recent)] - now)
