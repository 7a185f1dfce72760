"""Whatever there is, what is needed stays."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.updates.archives.builders import NOW
from updates.archives.retention import Kept, to_remove


def kept(hours: int, *, good: bool = True, pinned: bool = False, name: str = "") -> Kept:
    """A backup that was made so many hours ago."""
    return Kept(id=name or f"{hours}h", created_at=NOW - timedelta(hours=hours), good=good, pinned=pinned)


def some(least: int = -3) -> st.SearchStrategy[list[Kept]]:
    """Backups in any order, several of one moment, some from the future."""
    one = st.tuples(st.integers(least, 9), st.booleans(), st.booleans())
    return st.lists(one, max_size=12).map(
        lambda drawn: [
            kept(hours, good=good, pinned=pinned, name=f"bk-{number}")
            for number, (hours, good, pinned) in enumerate(drawn)
        ]
    )


KEEP = st.integers(0, 6)


def left(backups: list[Kept], keep: int) -> list[Kept]:
    gone = to_remove(backups, keep=keep, now=NOW)
    return [backup for backup in backups if backup.id not in gone]


def test_the_newest_good_ones_stay_and_the_rest_goes_oldest_first() -> None:
    backups = [kept(1), kept(5), kept(3), kept(2), kept(4)]
    assert to_remove(backups, keep=2, now=NOW) == ["5h", "4h", "3h"]


def test_a_bad_one_goes_once_there_is_a_newer_good_one() -> None:
    backups = [kept(4, good=False), kept(3), kept(2, good=False), kept(1, good=False, pinned=True)]
    assert to_remove(backups, keep=3, now=NOW) == ["4h"]


def test_to_keep_none_keeps_the_last_good_one() -> None:
    assert to_remove([kept(2), kept(1), kept(0, good=False)], keep=0, now=NOW) == ["2h"]


def test_one_from_the_future_neither_goes_nor_takes_the_place_of_another() -> None:
    assert to_remove([kept(-1), kept(1), kept(2)], keep=1, now=NOW) == ["2h"]


@given(some(), KEEP)
def test_pinned_ones_and_the_newest_good_ones_stay(backups: list[Kept], keep: int) -> None:
    stay = left(backups, keep)
    assert [one for one in backups if one.pinned and one not in stay] == []
    good = sorted((one.created_at for one in backups if one.good and one.created_at <= NOW), reverse=True)
    assert (
        sorted((one.created_at for one in stay if one.good and one.created_at <= NOW), reverse=True)[:keep]
        == good[:keep]
    )


@given(some(), KEEP)
def test_the_last_good_one_stays(backups: list[Kept], keep: int) -> None:
    assert any(one.good for one in left(backups, keep)) == any(one.good for one in backups)


@given(some(least=0), KEEP)
def test_a_bad_one_is_gone_if_and_only_if_a_good_one_that_stays_is_newer(backups: list[Kept], keep: int) -> None:
    stay = left(backups, keep)
    for bad in (one for one in backups if not one.good and not one.pinned):
        newer = any(one.good and one.created_at > bad.created_at for one in stay)
        assert (bad not in stay) == newer


@given(some(), KEEP)
def test_no_more_good_ones_stay_than_asked_for_pinned_or_from_the_future(backups: list[Kept], keep: int) -> None:
    free = [one for one in left(backups, keep) if one.good and not one.pinned and one.created_at <= NOW]
    assert len(free) <= max(keep, 1)


@given(some().flatmap(lambda drawn: st.tuples(st.just(drawn), st.permutations(drawn))), KEEP)
def test_the_order_in_which_they_are_given_does_not_matter_and_a_second_look_finds_nothing(
    orders: tuple[list[Kept], list[Kept]], keep: int
) -> None:
    backups, turned = orders
    assert to_remove(turned, keep=keep, now=NOW) == to_remove(backups, keep=keep, now=NOW)
    assert to_remove(left(backups, keep), keep=keep, now=NOW) == []
