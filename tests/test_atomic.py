from __future__ import annotations

from pathlib import Path

import pytest

from egx_project.lib import atomic


def test_of_several_writers_of_a_new_file_the_first_wins(tmp_path: Path) -> None:
    atomic.write_new(tmp_path / "key", b"first")
    atomic.write_new(tmp_path / "key", b"second")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("key", b"first")]


def test_a_write_replaces_the_whole_file_and_leaves_no_other(tmp_path: Path) -> None:
    atomic.write_bytes(tmp_path / "file", b"a longer first content")
    atomic.write_bytes(tmp_path / "file", b"second")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("file", b"second")]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    (target / "kept").write_bytes(b"")
    with pytest.raises(OSError, match="folder"):
        atomic.write_bytes(target, b"a file cannot replace a folder")
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]


def test_what_a_killed_write_left_is_removed_where_it_lies_and_below_only_if_asked(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    left = [folder / ".file.abc.tmp" for folder in (tmp_path, below)]
    for file in (*left, tmp_path / "kept.tmp", tmp_path / ".kept"):
        file.write_bytes(b"")
    atomic.remove_leftovers(tmp_path)
    assert [file.exists() for file in left] == [False, True]
    atomic.remove_leftovers(tmp_path, below=True)
    assert sorted(file.name for file in tmp_path.rglob("*")) == [".kept", "below", "kept.tmp"]
