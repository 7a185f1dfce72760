"""What clients got, side by side."""

from __future__ import annotations

import pytest

from monitoring import measures

SEEN = {"requests": 12, "failed_requests": 1, "failures": {"UF": 1, "NR": 0, "DC": 3}, "p50_ms": 0.0, "p99_ms": 2.5}


def cells(result: dict[str, object], seen: measures.Numbers | None = None) -> dict[str, list[str]]:
    table = measures.of_operation(result, seen)
    assert table is not None
    return {name: list(found) for name, found in table.rows}


def test_each_stretch_of_time_that_was_counted_is_a_column() -> None:
    table = measures.of_operation({"before": SEEN, "during": {}}, {"requests": 3})
    assert table is not None
    assert list(table.titles) == ["before", "since then"]
    assert cells({"before": SEEN}, {"requests": 3})["requests"] == ["12", "3"]


def test_numbers_have_units_and_what_is_not_known_is_a_dash() -> None:
    found = cells({"before": SEEN, "during": {"requests": 0, "p99_ms": None}})
    assert found["p50"] == ["< 1 ms", "-"]
    assert found["p99"] == ["2.5 ms", "-"]
    assert found["ended by the engine"] == ["DC 3, UF 1", "none"]


@pytest.mark.parametrize("result", [{}, {"before": None}, {"before": "x"}, {"before": []}])
def test_where_nothing_was_counted_there_is_no_table(result: dict[str, object]) -> None:
    assert measures.of_operation(result, None) is None


def test_the_rest_of_a_replacements_course_is_said_where_it_is_known() -> None:
    result = {"switch_traffic": {"seconds": 0.012}, "drain_old": {}, "websockets_left": 0, "backup_id": ""}
    assert measures.facts(result) == [("traffic switched in", "0.012 s"), ("WebSockets left on the old engine", "0")]
    assert measures.facts({"switch_traffic": "odd"}) == []
