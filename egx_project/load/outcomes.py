"""What became of each request."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from egx_project.lib import atomic


class Kind(StrEnum):
    KEEP_ALIVE = "HTTP/1 keep-alive"
    FRESH = "HTTP/1 new connection"
    H2 = "HTTP/2"
    WEBSOCKET = "WebSocket"
    LONG_WEBSOCKET = "WebSocket, longer than the drain limit"


@dataclass(frozen=True, slots=True)
class Outcome:
    kind: Kind
    number: int
    at: float
    """When it was due, by the monotonic clock, which all processes of a host share; not when it could be sent, so that
    a stall counts for every request that it kept waiting."""
    seconds: float
    """From then to the last byte of the answer. Of a WebSocket: how long it lived."""
    failure: str = ""
    """Why there was no good answer; empty where there was one."""
    refused: bool = False
    """There was not even a connection."""

    @property
    def failed(self) -> bool:
        return bool(self.failure)


@dataclass(frozen=True)
class Recorded:
    """A whole load."""

    outcomes: Sequence[Outcome]
    asked_again: int = 0
    """HTTP/2 requests that a connection which was closing had not taken; they were asked once more."""

    @property
    def failed(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.failed and not _was_cut(outcome)]

    @property
    def cut(self) -> list[Outcome]:
        """WebSockets that were to stay longer than anything may, and so were ended; counted, and no failure."""
        return [outcome for outcome in self.outcomes if _was_cut(outcome)]

    def between(self, begin: float, end: float, *kinds: Kind) -> list[Outcome]:
        """Those that were due in this stretch of time; of all kinds where none is named."""
        return [
            outcome for outcome in self.outcomes if begin <= outcome.at < end and (not kinds or outcome.kind in kinds)
        ]


def _was_cut(outcome: Outcome) -> bool:
    return outcome.failed and outcome.kind == Kind.LONG_WEBSOCKET and not outcome.refused


def quantile(outcomes: Sequence[Outcome], share: float) -> float:
    """Seconds within which this share was answered, by nearest rank; 0 without any."""
    answered = sorted(outcome.seconds for outcome in outcomes if not outcome.failed)
    return answered[max(0, math.ceil(len(answered) * share) - 1)] if answered else 0.0


def write(path: Path, outcomes: Iterable[Outcome], *, asked_again: int) -> None:
    atomic.write_json(path, {"asked_again": asked_again, "outcomes": [asdict(outcome) for outcome in outcomes]})


def read(path: Path) -> Recorded:
    written = json.loads(path.read_text())
    rows = [Outcome(**{**row, "kind": Kind(row["kind"])}) for row in written["outcomes"]]
    return Recorded(rows, asked_again=written["asked_again"])
