"""A manifest means one thing, and what it names lies inside the backup."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updates.archives.builders import FILES, ID, NOW, manifest_of
from updates.archives.errors import ArchiveError
from updates.archives.manifest import check_id, check_path, new_id, parse


def changed(**changes: Any) -> bytes:
    """`manifest.json` with other values, as a forger would write it."""
    document = json.loads(manifest_of(FILES).to_bytes()) | changes
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def test_what_is_written_is_read_again_to_the_same_bytes() -> None:
    manifest = manifest_of(FILES)
    assert parse(manifest.to_bytes()) == manifest
    assert parse(manifest.to_bytes()).to_bytes() == manifest.to_bytes()


def test_files_are_sorted_and_times_are_utc_however_they_are_given() -> None:
    turned = dict(reversed(FILES.items()))
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-5)))
    assert manifest_of(turned, created_at=elsewhere).to_bytes() == manifest_of(FILES).to_bytes()


def test_an_id_is_made_of_the_moment_in_utc() -> None:
    made = new_id(NOW.astimezone(timezone(timedelta(hours=9))))
    assert made.startswith("bk-20260131T120000Z-")
    assert check_id(made) == made


@pytest.mark.parametrize(
    "bad", ["", "bk", f"{ID}\n", f" {ID}", ID.upper(), f"../{ID}", f"{ID}/..", "bk-20260131T120000Z-0a1b2"]
)
def test_what_is_no_id_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="not the id"):
        check_id(bad)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../b",
        "a/..",
        ".",
        "./a",
        "a//b",
        "a/",
        "a\\b",
        "C:\\x",
        "a\nb",
        "a\x00b",
        "a\x7f",
        "a\u202eb",
        "manifest.json",
        "Manifest.JSON",
        "manifest.json/x",
        "x" * 201,
        "\ud800",
        "é" * 150,
    ],
)
def test_what_is_no_path_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="path"):
        check_path(bad)


@given(st.text(max_size=30) | st.lists(st.sampled_from(["a", "..", ".", "", "\\", "b c"])).map("/".join))
def test_a_path_that_is_allowed_lies_below_any_folder(path: str) -> None:
    try:
        check_path(path)
    except ValueError:
        return
    inside = Path("/some/folder") / path
    assert inside.is_relative_to("/some/folder")
    assert ".." not in inside.parts
    assert inside.relative_to("/some/folder").as_posix() == path


ENTRY = {"path": "a", "size": 0, "sha256": "0" * 64}


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "../../etc"},
        {"kind": "host"},
        {"more": 1},
        {"created_at": "2026-01-31T12:00:00"},
        {"created_at": "1969-12-31T12:00:00Z"},
        {"created_at": "2026-01-31T13:00:00.250000+01:00"},
        {"created_at": 0},
        {"subject": ""},
        {"reason": "\x1b[2J"},
        {"versions": {"egx": 1}},
        {"facts": {"deep": {}}},
        {"facts": {"part": 0.5}},
        {"format": "1"},
        {"format": 0},
        {"files": [ENTRY | {"path": "../x"}]},
        {"files": [ENTRY | {"size": -1}]},
        {"files": [ENTRY | {"size": 2**63}]},
        {"files": [ENTRY | {"size": "0"}]},
        {"files": [ENTRY | {"sha256": "0" * 63}]},
        {"files": [ENTRY | {"sha256": "A" * 64}]},
        {"files": [ENTRY, ENTRY]},
        {"files": [ENTRY, ENTRY | {"path": "a/b"}]},
        {"files": [ENTRY | {"path": "b"}, ENTRY]},
    ],
    ids=str,
)
def test_a_manifest_that_means_anything_else_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ArchiveError, match=r"manifest\.json"):
        parse(changed(**changes))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"format":1}',
        b" " * 1_000_001,
        manifest_of(FILES).to_bytes() + b" ",
        manifest_of(FILES).to_bytes().replace(b'{"created', b'{"format":1,"created'),
    ],
    ids=range(10),
)
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(ArchiveError, match=r"manifest\.json"):
        parse(content)


def test_a_newer_format_is_told_as_such_whatever_else_it_has() -> None:
    with pytest.raises(ArchiveError, match=r"format 2, .*newer"):
        parse(b'{"format":2,"parts":[]}')


def test_a_manifest_that_nobody_would_read_again_is_not_written() -> None:
    with pytest.raises(ArchiveError, match="fewer files"):
        manifest_of({f"{number:0150}": b"" for number in range(6000)}).to_bytes()


def test_a_year_that_no_stamp_can_say_is_refused() -> None:
    with pytest.raises(ValueError, match="between the years"):
        manifest_of({}, created_at=datetime.fromisoformat("1970-01-01T00:00:00Z"))
