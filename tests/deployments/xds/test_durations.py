from __future__ import annotations

from fractions import Fraction

import pytest

from deployments.drivers.process.xds.durations import envoy_duration, seconds


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("0s", "0s"),
        ("0h0m", "0s"),
        ("10s", "10s"),
        ("1m30s", "90s"),
        ("1h1m1s1ms", "3661.001s"),
        ("500ms", "0.500s"),
        ("1500ms", "1.500s"),
        ("99999h", "359996400s"),
        ("2s2s", "4s"),
    ],
)
def test_a_duration_is_said_in_seconds(written: str, said: str) -> None:
    assert envoy_duration(seconds(written)) == said


def test_milliseconds_are_exact() -> None:
    assert seconds("1ms") == Fraction(1, 1000)
