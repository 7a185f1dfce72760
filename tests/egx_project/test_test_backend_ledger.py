"""The ledger of numbered requests."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from egx_project.test_backend.ledger import LARGEST_NUMBER, MISSING_LISTED, Ledger


def test_an_empty_ledger_misses_nothing() -> None:
    report = Ledger().report()
    assert report["max"] is None
    assert (report["count"], report["missing_up_to_max"], report["missing"]) == (0, 0, [])


@given(st.lists(st.integers(0, 300)))
def test_the_report_is_what_a_set_would_say(numbers: list[int]) -> None:
    ledger = Ledger()
    for number in numbers:
        ledger.request(number)
    report = ledger.report()
    missing = [number for number in range(1, max(numbers, default=0)) if number not in numbers]
    assert report["count"] == len(numbers)
    assert report["numbers_count"] == len(set(numbers))
    assert report["repeated"] == len(numbers) - len(set(numbers))
    assert report["missing_up_to_max"] == len(missing)
    assert report["missing"] == missing[:MISSING_LISTED]


def test_the_largest_number_costs_two_mebibytes_and_no_more() -> None:
    ledger = Ledger()
    ledger.request(LARGEST_NUMBER)
    report = ledger.report()
    assert report["missing_up_to_max"] == LARGEST_NUMBER - 1
    assert len(report["missing"]) == MISSING_LISTED
    assert len(ledger._seen) <= 2 * 1024 * 1024
