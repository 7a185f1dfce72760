"""A build's log: bounded, readable by offset while it grows, and without secrets."""

from __future__ import annotations

from pathlib import Path

from deployments.drivers.build_log import MOST_SEGMENTS, SEGMENT_BYTES, BuildLog, end, read


def whole(folder: Path) -> str:
    text, offset = "", 0
    while piece := read(folder, offset, limit=1000):
        if not piece.text:
            return text
        text, offset = text + piece.text, piece.next
    return text


def test_what_comes_in_any_pieces_is_read_as_it_was_written(tmp_path: Path) -> None:
    log = BuildLog(tmp_path / "log")
    written = "".join(f"line {number} ä\n" for number in range(2000))
    content = written.encode()
    for begin in range(0, len(content), 7):
        log.write(content[begin : begin + 7])
    assert whole(tmp_path / "log") == written
    assert (log.last, log.size) == ("line 1999 ä", end(tmp_path / "log"))


def test_the_next_writer_goes_on_where_a_killed_one_stopped(tmp_path: Path) -> None:
    BuildLog(tmp_path / "log").write(b"before\nhalf")
    BuildLog(tmp_path / "log").say("after")
    assert whole(tmp_path / "log") == "before\nafter\n"


def test_a_log_of_any_length_is_kept_to_a_bound_and_says_where_it_begins(tmp_path: Path) -> None:
    log = BuildLog(tmp_path / "log")
    for _ in range(3 * MOST_SEGMENTS):
        log.write(b"x" * (SEGMENT_BYTES // 2 - 1) + b"\n")
    kept = sum(file.stat().st_size for file in (tmp_path / "log").iterdir())
    assert kept <= MOST_SEGMENTS * SEGMENT_BYTES
    piece = read(tmp_path / "log", 0)
    assert piece.offset == log.size - kept
    assert piece.text


def test_what_looks_like_a_secret_is_not_written(tmp_path: Path) -> None:
    log = BuildLog(tmp_path / "log")
    log.write(b"cloning https://me:hunter2@host/app\nAuthorization: Bearer abcdef\n")
    assert "hunter2" not in whole(tmp_path / "log")
    assert "abcdef" not in whole(tmp_path / "log")
    assert "hunter2" not in "".join(log.lines)


def test_there_is_no_log_before_it_is_begun(tmp_path: Path) -> None:
    piece = read(tmp_path / "none", 17)
    assert (piece.offset, piece.next, piece.text) == (0, 0, "")
