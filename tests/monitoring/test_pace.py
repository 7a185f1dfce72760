"""A browser is pushed to at most five times in any second, and at once after a quiet time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitoring.pace import MOST_A_SECOND, Pace


def pushes_when(wished: list[float]) -> list[float]:
    """When pushes happen that are wished for at these times, each as soon as it may."""
    pace, now, done = Pace(), 0.0, []
    for wish in wished:
        now = max(now, wish)
        while (pause := pace.pause(now)) > 0:
            now += pause
        pace.pushed(now)
        done.append(now)
    return done


@given(st.lists(st.floats(0, 10), min_size=1, max_size=60).map(sorted))
def test_never_more_than_five_in_any_second(wished: list[float]) -> None:
    done = pushes_when(wished)
    for first, sixth in zip(done, done[MOST_A_SECOND:], strict=False):
        assert sixth - first >= 1.0 - 1e-9


@given(st.lists(st.floats(1.0, 100.0), min_size=1, max_size=20))
def test_what_comes_after_a_quiet_second_is_pushed_at_once(gaps: list[float]) -> None:
    wished = [sum(gaps[: index + 1]) for index in range(len(gaps))]
    assert pushes_when(wished) == wished
