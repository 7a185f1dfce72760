"""Which version may follow which."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egx_project.lib.errors import BadInputError
from updates import compat


@dataclass(frozen=True)
class One:
    version: str
    yanked: bool = False


numbers = st.integers(min_value=0, max_value=99)
versions = st.tuples(numbers, numbers, numbers).map(lambda parts: ".".join(map(str, parts)))


def newest(*offered: str, **choices: object) -> str | None:
    found = compat.newest([One(version) for version in offered], **choices)  # type: ignore[arg-type]
    return found.version if found else None


@pytest.mark.parametrize(
    ("text", "same"),
    [("v1.40.0", "1.40.0"), ("1.40", "1.40.0"), ("1.41.0rc1", "1.41.0-rc.1"), ("1.41.0-rc.1", "1.41.0-rc.1")],
)
def test_versions_are_read_however_they_are_written(text: str, same: str) -> None:
    assert compat.parse(text) == compat.parse(same)


@pytest.mark.parametrize("text", ["", "local", "latest", "1.2.3.4.5", "1..2", "one.two", "1.40.0\n; rm -rf /"])
def test_what_has_no_order_is_no_version(text: str) -> None:
    assert compat.parse(text) is None


@given(versions, versions)
def test_the_newest_is_the_one_that_numbers_say(one: str, two: str) -> None:
    expected = max((one, two), key=lambda text: tuple(map(int, text.split("."))))
    assert newest(one, two) == expected


def test_a_later_packaging_comes_after_the_version_and_before_the_next() -> None:
    assert newest("1.36.2", "1.36.2.post1") == "1.36.2.post1"
    assert newest("1.36.2.post1", "1.36.3") == "1.36.3"


def test_prereleases_are_offered_to_those_who_ask_for_them() -> None:
    assert newest("1.40.0", "1.41.0rc1") == "1.40.0"
    assert newest("1.40.0", "1.41.0rc1", prereleases=True) == "1.41.0rc1"
    assert newest("1.41.0", "1.41.0rc1", prereleases=True) == "1.41.0"


def test_what_was_taken_back_or_is_in_quarantine_is_never_offered() -> None:
    assert compat.newest([One("1.41.0", yanked=True), One("1.40.0")]) == One("1.40.0")
    assert newest("1.41.0", "1.40.0", without={"1.41.0"}) == "1.40.0"
    assert newest("1.41.0", without={"1.41.0"}) is None


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        ("", "1.41.0"), ("<1.41", "1.40.2"), ("<=1.40", "1.40.2"), ("==1.39", "1.39.9"), (">=1.39,<1.40", "1.39.9"),
        ("!=1.41", "1.40.2"), (">1.41", None), ("<01.41", "1.40.2"),
    ],
)  # fmt: skip
def test_only_what_is_within_the_policys_range_is_offered(allowed: str, expected: str | None) -> None:
    assert newest("1.39.9", "1.40.2", "1.41.0", allowed=allowed) == expected


@pytest.mark.parametrize("allowed", ["1.40", "~1.40", ">= one", ">=1.40;<2", ">=1.40 <2"])
def test_a_range_that_is_none_is_refused(allowed: str) -> None:
    with pytest.raises(BadInputError):
        compat.clauses(allowed)


def test_an_update_never_goes_back_by_itself_and_never_skips_more_than_allowed() -> None:
    assert "older" in compat.why_not("1.40.0", "1.39.0", skip_minor=2)
    assert not compat.why_not("1.40.0", "1.39.0", skip_minor=2, downgrade=True)
    assert not compat.why_not("1.38.0", "1.40.1", skip_minor=2)
    assert "3 minor versions" in compat.why_not("1.37.0", "1.40.0", skip_minor=2)
    assert "major" in compat.why_not("1.40.0", "2.0.0", skip_minor=9)
    assert not compat.why_not("local", "1.40.0", skip_minor=1)
