"""Is the new engine worse than the old one was? Pure.

Judged by why the engine itself ended requests (`deployments/drivers/base.py`, Traffic.failures), so that what a backend
answers never counts; and where a backend may be the reason, what the old engine gets from it decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from updates.numbers import BACKENDS, Numbers


class Verdict(StrEnum):
    WAIT = "wait"
    GOOD = "good"
    NONE = "none"
    BAD = "bad"


@dataclass(frozen=True)
class Judgement:
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True)
class Evidence:
    before: Mapping[str, Any]
    """`Numbers.as_json()` of the baseline."""
    since: Numbers
    """Of the new slot alone."""
    restarts: int
    """How often the new engine has died since the switch."""
    worse_probes: Sequence[str]
    """What the old engine answers and the new one does not, in words."""
    probes: int
    """How many were answered by both."""
    over: bool
    """The soak's time has come to its end."""


def judge(evidence: Evidence, limits: Mapping[str, Any]) -> Judgement:
    if evidence.restarts:
        return Judgement(Verdict.BAD, f"the engine has died {evidence.restarts} times since it serves")
    bad = _failing(evidence, limits) or _slow(evidence, limits)
    if bad:
        return Judgement(Verdict.BAD, bad)
    if evidence.worse_probes:
        return Judgement(Verdict.BAD, evidence.worse_probes[0])
    if not evidence.over:
        return Judgement(Verdict.WAIT)
    if evidence.since.requests >= limits["requests"]:
        return Judgement(Verdict.GOOD, f"{evidence.since.requests} requests, none the worse")
    if evidence.probes:
        return Judgement(Verdict.GOOD, f"little traffic; {evidence.probes} probes are answered as before")
    return Judgement(
        Verdict.NONE, f"{evidence.since.requests} requests are too few for a verdict, and no route could be probed"
    )


def _failing(evidence: Evidence, limits: Mapping[str, Any]) -> str:
    since, before = evidence.since, evidence.before
    if since.requests < limits["requests"]:
        return ""
    own = {flag: count for flag, count in since.failures.items() if flag not in BACKENDS}
    suspect = {flag: count for flag, count in since.failures.items() if flag in BACKENDS}
    for found, flags in ((own, set(own)), (suspect, set(suspect))):
        share, was = since.share(flags), _share_before(before, flags)
        if share - was <= limits["failures_percent"] / 100:
            continue
        if found is suspect and not evidence.worse_probes:
            continue  # the old engine does not get more from these backends either
        told = ", ".join(f"{flag} {count}" for flag, count in sorted(found.items()))
        return f"{share:.1%} of {since.requests} requests fail in the engine ({told}); {was:.1%} did before"
    return ""


def _share_before(before: Mapping[str, Any], flags: set[str]) -> float:
    requests = before.get("requests") or 0
    return sum(before.get("failures", {}).get(flag, 0) for flag in flags) / requests if requests else 0.0


def _slow(evidence: Evidence, limits: Mapping[str, Any]) -> str:
    was, now = evidence.before.get("p99_ms"), evidence.since.quantile(0.99)
    few = min(evidence.since.requests, evidence.before.get("requests") or 0) < limits["requests"]
    if was is None or now is None or few or not evidence.over:
        return ""
    if now > max(was * limits["latency_factor"], was + limits["latency_ms"]):
        return f"p99 is {now:g} ms, and was {was:g} ms before"
    return ""
