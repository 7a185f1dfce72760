"""Which manifests `egx apply -f` reads, and what it says about those that it cannot."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from egx_project.cli.sources import LARGEST_TOTAL, read_sources
from egx_project.lib.errors import BadInputError


def names(*given: Path, recursive: bool = False) -> list[str]:
    return [source["name"] for source in read_sources(tuple(map(str, given)), recursive=recursive)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.yml", "a.yaml", "c.json", "readme.md", ".#a.yaml", "sub/d.yaml", ".git/e.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("kind: X\n")
    return tmp_path


def test_a_folder_is_its_manifests_in_order(folder: Path) -> None:
    assert names(folder) == [str(folder / name) for name in ("a.yaml", "b.yml", "c.json")]


def test_recursively_it_is_those_below_it_too_but_not_hidden_ones(folder: Path) -> None:
    assert names(folder, recursive=True) == [str(folder / name) for name in ("a.yaml", "b.yml", "c.json", "sub/d.yaml")]


def test_a_file_that_is_named_is_read_whatever_it_is_called_and_once(folder: Path) -> None:
    assert names(folder / "readme.md", folder / "readme.md") == [str(folder / "readme.md")]


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbfkind: X\n")
    assert read_sources((str(file),), recursive=False)[0]["text"] == "kind: X\n"


def test_a_pipe_is_read_as_shells_pass_it(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("needs /dev/fd")
    reading, writing = os.pipe()
    os.write(writing, b"kind: X\n")
    os.close(writing)
    try:
        assert read_sources((f"/dev/fd/{reading}",), recursive=False)[0]["text"] == "kind: X\n"
    finally:
        os.close(reading)


def refused(*given: Path | str, recursive: bool = False) -> str:
    with pytest.raises(BadInputError) as caught:
        read_sources(tuple(map(str, given)), recursive=recursive)
    return str(caught.value)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(b"a: 1\nb: \xff\n")
    assert "there is no file" in refused(tmp_path / "none.yaml")
    assert refused(tmp_path / "bad.yaml").endswith("bad.yaml:2: is not UTF-8 text")
    assert "cannot read" in refused("a\0b")
    assert "is an address" in refused("https://example.com/quickstart.yaml")


def test_a_folder_without_manifests_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    assert "-R looks below it, too" in refused(tmp_path)
    assert "or below it" in refused(tmp_path, recursive=True)


def test_more_than_the_limit_in_total_is_refused_and_the_limit_itself_is_not(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_bytes(b"#" * (LARGEST_TOTAL - 1))
    second.write_bytes(b"#")
    assert len(names(first, second)) == 2
    second.write_bytes(b"##")
    assert "larger than 4 MiB in total" in refused(first, second)


def test_an_endless_file_is_not_read_to_its_end() -> None:
    if not Path("/dev/zero").exists():
        pytest.skip("needs /dev/zero")
    assert "larger than" in refused("/dev/zero")
