"""What counters say about a stretch of time. Pure.

Counters of an Envoy that was started anew begin at nothing: what its former life had not told is not known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from deployments.drivers.base import SlotName, Traffic, TrafficObservation

NOT_LOST = frozenset({"NR", "4xx", "5xx"})
"""Answers that the configuration itself gives (no route, a malformed request, a rule without a backend): they count in
a soak, which compares, but are no lost requests."""
BACKENDS = frozenset({"UF", "UH", "UC", "UR", "UT"})
"""Reasons that lie with a backend as often as with the engine: a soak asks the old slot before it blames the new."""


@dataclass(frozen=True)
class Numbers:
    """Of all slots together, between two looks."""

    requests: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    """By response flag."""
    latency: Mapping[float, int] = field(default_factory=dict)
    """How many took up to so many milliseconds; not cumulative."""

    @property
    def failed(self) -> int:
        """Requests that did not get the answer that their backend would have given."""
        return sum(count for flag, count in self.failures.items() if flag not in NOT_LOST)

    def share(self, flags: Iterable[str]) -> float:
        """Of all requests, those that ended with one of these flags; 0 to 1."""
        return sum(self.failures.get(flag, 0) for flag in flags) / self.requests if self.requests else 0.0

    def quantile(self, share: float) -> float | None:
        """Milliseconds within which this share of requests was answered; None without requests."""
        total = sum(self.latency.values())
        seen = 0
        for bound in sorted(self.latency):
            seen += self.latency[bound]
            if seen >= share * total:
                return bound
        return None

    def as_json(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "failed_requests": self.failed,
            "failures": dict(self.failures),
            "p50_ms": self.quantile(0.5),
            "p99_ms": self.quantile(0.99),
        }


def between(before: TrafficObservation, after: TrafficObservation, *, only: SlotName | None = None) -> Numbers:
    """What was counted from one look to the next, by all slots or by one."""
    requests, failures, latency = 0, Counter[str](), Counter[float]()
    pairs = [(before.slots.get(name, Traffic()), seen) for name, seen in after.slots.items() if only in {None, name}]
    for was, now in [*pairs, *([(before.edge, after.edge)] if only is None else [])]:
        known = was if was.life == now.life else Traffic()
        if now is not after.edge:
            requests += now.requests - known.requests
        failures += Counter(now.failures) - Counter(known.failures)
        latency += _counts(now) - _counts(known)
    return Numbers(requests=requests, failures=dict(failures), latency=dict(latency))


def _counts(traffic: Traffic) -> Counter[float]:
    counted, before = Counter[float](), 0
    for bound, total in traffic.latency:
        counted[bound] = total - before
        before = total
    return counted


def as_json(seen: TrafficObservation) -> dict[str, Any]:
    return {"edge": asdict(seen.edge), "slots": {str(name): asdict(traffic) for name, traffic in seen.slots.items()}}


def from_json(written: Mapping[str, Any]) -> TrafficObservation:
    """Nothing counted where nothing is written."""
    return TrafficObservation(
        edge=_traffic(written.get("edge", {})),
        slots={SlotName(name): _traffic(traffic) for name, traffic in written.get("slots", {}).items()},
    )


def _traffic(written: Mapping[str, Any]) -> Traffic:
    latency = tuple((float(bound), int(count)) for bound, count in written.get("latency", ()))
    return Traffic(**{**written, "latency": latency})
