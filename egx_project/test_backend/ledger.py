"""Which requests arrived, so that a load test can say that none was lost."""

from __future__ import annotations

from itertools import islice
from typing import TypedDict

LARGEST_NUMBER = 16_777_215
MISSING_LISTED = 100


class LedgerReport(TypedDict):
    count: int
    websockets: int
    numbers_count: int
    repeated: int
    max: int | None
    missing_up_to_max: int
    missing: list[int]


class Ledger:
    """Counts, and the set of request numbers as a bitmap: at most 2 MiB however long the test."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._requests = 0
        self._websockets = 0
        self._repeated = 0
        self._distinct = 0
        self._max = -1
        self._seen = bytearray()

    def request(self, number: int | None) -> None:
        self._requests += 1
        self._record(number)

    def websocket(self, number: int | None) -> None:
        self._websockets += 1
        self._record(number)

    def report(self) -> LedgerReport:
        """Numbers are expected from 1; a client that starts at 0 is not wrong."""
        return LedgerReport(
            count=self._requests,
            websockets=self._websockets,
            numbers_count=self._distinct,
            repeated=self._repeated,
            max=self._max if self._distinct else None,
            missing_up_to_max=max(self._max, 0) - (self._distinct - self._has(0)),
            missing=list(islice((n for n in range(1, self._max) if not self._has(n)), MISSING_LISTED)),
        )

    def _record(self, number: int | None) -> None:
        if number is None:
            return
        if self._has(number):
            self._repeated += 1
            return
        byte, bit = divmod(number, 8)
        if byte >= len(self._seen):
            # Doubled, so that a million growing numbers do not copy a million times.
            self._seen.extend(bytes(max(byte + 1, 2 * len(self._seen)) - len(self._seen)))
        self._seen[byte] |= 1 << bit
        self._distinct += 1
        self._max = max(self._max, number)

    def _has(self, number: int) -> bool:
        byte, bit = divmod(number, 8)
        return byte < len(self._seen) and bool(self._seen[byte] >> bit & 1)
