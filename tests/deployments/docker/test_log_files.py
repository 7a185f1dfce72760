"""Files of logs: bounded, whole after a kill, and read in pages without loss or repetition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.drivers.docker.log_agent import Pace, kind_of
from deployments.drivers.log_files import LEAST_SEGMENT, LONGEST_LINE, SEGMENTS, GatewayLog, Kind, LogLine
from deployments.gateway_logs import stamp
from egx_project.lib.errors import BadInputError

MOST = 4 * LEAST_SEGMENT * SEGMENTS


def line(n: int, kind: Kind = Kind.ACCESS, text: str = "") -> LogLine:
    return LogLine(at=f"2026-11-26T00:00:{n // 1000:02}.{n % 1000:03}000000Z", kind=kind, source="blue-1", text=text)


Open = Callable[[], GatewayLog]


@pytest.fixture
def open_log(tmp_path: Path) -> Iterator[Open]:
    """A writer, as the next process has it."""
    opened: list[GatewayLog] = []

    def make() -> GatewayLog:
        opened.append(GatewayLog(tmp_path, MOST))
        opened[-1].prepare()
        return opened[-1]

    yield make
    for log in opened:
        log.close()


def bytes_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*.log"))


def test_what_is_kept_is_bounded_and_requests_do_not_drive_out_the_rest(open_log: Open, tmp_path: Path) -> None:
    log = open_log()
    log.write(line(0, Kind.ENGINE, "first"))
    for n in range(1, 20_000):
        log.write(line(n, text="x" * 100))
        if n % 1000 == 0:
            assert bytes_of(tmp_path) <= MOST
    assert [found.text for found in log.page(kinds=[Kind.ENGINE], limit=10).lines] == ["first"]
    newest = log.page(kinds=[Kind.ACCESS], limit=1).lines[0]
    assert newest == line(19_999, text="x" * 100)


def test_pages_follow_one_another_without_loss_or_repetition(open_log: Open) -> None:
    log = open_log()
    written = [line(n, Kind.ENGINE if n % 3 else Kind.ACCESS, str(n)) for n in range(2500)]
    for one in written[:2000]:
        log.write(one)
    page = log.page(kinds=tuple(Kind), limit=700, since=written[0].at)
    found = [*page.lines]
    while page.more:
        page = log.page(kinds=tuple(Kind), limit=700, after=page.after)
        found += page.lines
    for one in written[2000:]:
        log.write(one)
    found += log.page(kinds=tuple(Kind), limit=1000, after=page.after).lines
    assert found == written


def test_the_last_lines_and_those_since_a_moment(open_log: Open) -> None:
    log = open_log()
    written = [line(n, text="x" * 200) for n in range(3000)]
    for one in written:
        log.write(one)
    last = log.page(kinds=tuple(Kind), limit=5)
    assert (last.lines, last.more) == (written[-5:], False)
    assert log.page(kinds=tuple(Kind), limit=5, after=last.after).lines == []
    assert log.page(kinds=tuple(Kind), limit=3, since=written[2990].at).lines == written[2990:2993]
    assert log.page(kinds=[Kind.ENGINE], limit=5).lines == []


def test_what_a_killed_writer_left_of_a_line_is_cut_off(open_log: Open, tmp_path: Path) -> None:
    log = open_log()
    log.write(line(1, text="whole"))
    log.close()
    file = tmp_path / "access" / "00000001.log"
    with file.open("ab") as opened:
        opened.write(b"2026-11-26T00:00:00.002000000Z blue-1 hal")
    assert [found.text for found in log.page(kinds=tuple(Kind), limit=9).lines] == ["whole"]
    again = open_log()
    again.write(line(3, text="next"))
    assert [found.text for found in again.page(kinds=tuple(Kind), limit=9).lines] == ["whole", "next"]
    assert again.last_stamps() == {(Kind.ACCESS, "blue-1"): line(3).at}


def test_a_place_in_files_that_are_gone_by_now_goes_on_with_the_oldest(open_log: Open) -> None:
    log = open_log()
    log.write(line(0, text="gone"))
    begin = log.page(kinds=tuple(Kind), limit=1).after
    for n in range(1, 20_000):
        log.write(line(n, text="x" * 100))
    page = log.page(kinds=tuple(Kind), limit=1000, after=begin)
    assert len(page.lines) == 1000
    assert page.more


def test_a_line_is_one_line_and_not_longer_than_that(open_log: Open) -> None:
    log = open_log()
    log.write(line(1, text="a\nb"))
    log.write(line(2, text="é" * LONGEST_LINE))
    first, second = log.page(kinds=tuple(Kind), limit=9).lines
    assert first.text == "a b"
    assert len(second.text.encode()) <= LONGEST_LINE + 3


@given(after=st.text(max_size=60))
def test_a_place_that_is_none_is_refused(tmp_path_factory: pytest.TempPathFactory, after: str) -> None:
    log = GatewayLog(tmp_path_factory.getbasetemp() / "nowhere", MOST)
    if after:
        with pytest.raises(BadInputError):
            log.page(kinds=tuple(Kind), limit=1, after=after)


def test_a_request_is_told_from_what_else_is_json() -> None:
    assert kind_of('{"bytes_sent":1,"start_time":"2026-11-26T00:00:00.000Z"}') == Kind.ACCESS
    assert kind_of('2026-11-26T00:00:00Z\tinfo\tprovider\t{"start_time": 1}') == Kind.ENGINE
    assert kind_of('{"level": "error"}') == Kind.ENGINE


def test_a_pace_lets_a_burst_through_and_then_its_share() -> None:
    pace = Pace(share=0.25, burst=1.0)
    assert pace.take(0.5) == 0
    assert pace.take(1.0) == pytest.approx(2.0, abs=0.1)


def test_since_is_a_span_or_a_moment() -> None:
    assert stamp("2026-11-26T10:00:00+02:00") == "2026-11-26T08:00:00.000000000Z"
    assert stamp("2026-11-26") == "2026-11-26T00:00:00.000000000Z"
    assert stamp("10m") < stamp("5s")
    for wrong in ("", "10", "ten", "999999d", "-5m"):
        with pytest.raises(BadInputError):
            stamp(wrong)
