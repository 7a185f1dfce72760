"""When a new engine is worse than the old one was, and when nobody can say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deployments.drivers.base import SlotName, Traffic, TrafficObservation
from updates import numbers
from updates.judging import Evidence, Verdict, judge
from updates.numbers import Numbers

LIMITS: dict[str, Any] = {"requests": 50, "failures_percent": 1.0, "latency_factor": 3.0, "latency_ms": 50}
GOOD = Numbers(requests=1000, latency={1.0: 900, 5.0: 100})
BEFORE = {"requests": 1000, "failures": {}, "p99_ms": 5.0}


def evidence(since: Numbers = GOOD, **facts: Any) -> Evidence:
    known: dict[str, Any] = {
        "before": BEFORE, "since": since, "restarts": 0, "worse_probes": [], "probes": 0, "over": True,
    }  # fmt: skip
    return Evidence(**{**known, **facts})


def failing(**failures: int) -> Numbers:
    return replace(GOOD, failures=failures)


def verdict(found: Evidence) -> Verdict:
    return judge(found, LIMITS).verdict


def test_traffic_that_is_none_the_worse_is_good_at_the_end_and_not_before() -> None:
    assert verdict(evidence()) == Verdict.GOOD
    assert verdict(evidence(over=False)) == Verdict.WAIT


def test_an_engine_that_dies_is_bad_at_once() -> None:
    assert verdict(evidence(restarts=1, over=False)) == Verdict.BAD


@pytest.mark.parametrize("flag", ["NR", "DPE", "5xx", "UO"])
def test_failures_of_the_engines_own_are_bad_at_once(flag: str) -> None:
    assert verdict(evidence(failing(**{flag: 20}), over=False)) == Verdict.BAD


def test_as_many_as_there_were_before_are_not_bad() -> None:
    before = {**BEFORE, "failures": {"NR": 20}}
    assert verdict(evidence(failing(NR=25), before=before)) == Verdict.GOOD
    assert verdict(evidence(failing(NR=40), before=before)) == Verdict.BAD


@pytest.mark.parametrize("flag", ["UF", "UC", "UT", "UH", "UR"])
def test_what_a_backend_may_be_the_reason_of_counts_only_where_the_old_engine_still_gets_through(flag: str) -> None:
    assert verdict(evidence(failing(**{flag: 500}))) == Verdict.GOOD
    assert verdict(evidence(failing(**{flag: 500}), worse_probes=["/ answers 503, 200 before"])) == Verdict.BAD


def test_what_a_backend_answers_is_no_failure_of_the_engine() -> None:
    """Envoy counts them under no flag, so they are not even there."""
    assert verdict(evidence(Numbers(requests=1000, failures={}, latency={1.0: 1000}))) == Verdict.GOOD


def test_too_few_requests_are_no_verdict_unless_probes_give_one() -> None:
    few = Numbers(requests=10, failures={"NR": 10})
    assert verdict(evidence(few)) == Verdict.NONE
    assert verdict(evidence(few, probes=3)) == Verdict.GOOD
    assert verdict(evidence(few, probes=3, worse_probes=["/ answers 404, 200 before"])) == Verdict.BAD


def test_slower_is_bad_only_beyond_both_limits_and_only_at_the_end() -> None:
    slow = replace(GOOD, latency={1.0: 900, 100.0: 100})
    assert verdict(evidence(slow)) == Verdict.BAD
    assert verdict(evidence(slow, over=False)) == Verdict.WAIT
    assert verdict(evidence(replace(GOOD, latency={1.0: 900, 50.0: 100}))) == Verdict.GOOD
    assert verdict(evidence(slow, before={**BEFORE, "p99_ms": 60.0})) == Verdict.GOOD


def test_every_bad_verdict_says_why() -> None:
    assert "NR 20" in judge(evidence(failing(NR=20)), LIMITS).reason


def test_counters_of_an_engine_that_started_anew_count_from_nothing() -> None:
    old = TrafficObservation(slots={SlotName.BLUE: Traffic(life="1", requests=900)})
    again = TrafficObservation(slots={SlotName.BLUE: Traffic(life="2", requests=30)})
    on = TrafficObservation(slots={SlotName.BLUE: Traffic(life="1", requests=930)})
    assert numbers.between(old, again).requests == 30
    assert numbers.between(old, on).requests == 30


def test_quantiles_are_those_of_the_stretch_and_not_of_all_time() -> None:
    before = Traffic(life="1", requests=100, latency=((1.0, 100), (10.0, 100)))
    after = Traffic(life="1", requests=200, latency=((1.0, 100), (10.0, 200)))
    seen = numbers.between(
        TrafficObservation(slots={SlotName.BLUE: before}), TrafficObservation(slots={SlotName.BLUE: after})
    )
    assert seen.requests == 100
    assert seen.quantile(0.5) == 10.0


def test_numbers_survive_being_written_down() -> None:
    seen = TrafficObservation(
        edge=Traffic(life="e", requests=3, failures={"UF": 1}),
        slots={SlotName.GREEN: Traffic(life="g", requests=7, latency=((0.5, 3), (1.0, 7)), connections=2)},
    )
    assert numbers.from_json(numbers.as_json(seen)) == seen
