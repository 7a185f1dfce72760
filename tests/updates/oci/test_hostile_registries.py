"""Registries that are busy, broken or hostile: what the channel makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.drivers.logins import IDENTITY, Found, Login
from egx_project.lib import images
from egx_project.lib.clock import SystemClock
from egx_project.lib.fetch import Politeness
from tests.updates.oci.shelf import IMAGE, Handler, Shelf, only, serving
from tests.updates.test_fetching import PatientClock
from updates.channels.base import ChannelError
from updates.channels.oci import channel as subject
from updates.channels.oci import manifests
from updates.channels.oci.auth import Challenge, challenges
from updates.channels.oci.channel import RegistryChannel

ONCE = Politeness(tries=1)
ANN = Login("ann", "hunter2")


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with serving() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Shelf]:
    """Somebody else's server."""
    with serving() as running:
        yield running


def channel(shelf: Shelf, folder: Path, *, login: Login | None = None, **more: Any) -> RegistryChannel:
    return RegistryChannel(
        "envoy-gateway",
        image=images.parse(f"{shelf.host}/{IMAGE}"),
        login=lambda _registry: Found(login),
        cache=folder / "kept.json",
        clock=more.pop("clock", SystemClock()),
        politeness=more.pop("politeness", ONCE),
        **more,
    )


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_a_long_list_of_tags_costs_a_head_each_and_hardly_a_get(shelf: Shelf, tmp_path: Path) -> None:
    for number in range(80):
        shelf.offer(f"v1.{number}.0", content=bytes(number))
    offers = channel(shelf, tmp_path).list().offers
    assert len(offers) == 80
    assert all(offer.artifact for offer in offers)
    assert shelf.counted("HEAD") == 80
    assert shelf.counted("GET", "manifests") == 2 * subject.AHEAD, "index and manifest of the newest"
    assert [bool(offer.artifact and offer.artifact.size) for offer in offers[:4]] == [True, True, True, False]


def test_the_next_check_asks_for_what_is_new_and_looks_at_a_few_again(shelf: Shelf, tmp_path: Path) -> None:
    for number in range(40):
        shelf.offer(f"v1.{number}.0", content=bytes(number))
    asked = channel(shelf, tmp_path)
    asked.list()
    shelf.asked.clear()
    shelf.offer("v1.40.0", content=b"new")
    assert asked.list().offers[0].version == "1.40.0"
    assert shelf.counted("HEAD") == 1 + subject.AGAIN_AT_ONCE
    assert shelf.counted("GET", "manifests") == 2
    again = [one for one in shelf.asked if one.method == "HEAD" and "v1.40.0" not in one.path]
    assert all("if-none-match" in one.headers for one in again)


def test_tags_that_one_check_has_no_time_for_are_asked_for_by_the_next(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "NEW_AT_ONCE", 2)
    for number in range(5):
        shelf.offer(f"v1.{number}.0", content=bytes(number))
    asked = channel(shelf, tmp_path)
    assert [offer.version for offer in asked.list().offers] == ["1.4.0", "1.3.0"]
    asked.list()
    assert len(asked.list().offers) == 5


def test_a_slow_registry_is_not_asked_for_ever(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        shelf.offer(f"v1.{number}.0", content=bytes(number))
    clock = PatientClock()

    def slow(_handler: Handler) -> bool:
        clock.passed += 10.0
        return False

    shelf.behaviour = slow
    found = channel(shelf, tmp_path, clock=clock).list()
    assert "is slow" in found.problem
    assert 5 <= len(found.offers) <= 8


def test_few_requests_left_end_the_check_and_are_said(shelf: Shelf, tmp_path: Path) -> None:
    for number in range(5):
        shelf.offer(f"v1.{number}.0", content=bytes(number))
    shelf.headers["ratelimit-remaining"] = f"{subject.FEW_LEFT - 1};w=21600"
    found = channel(shelf, tmp_path).list()
    assert "only 9 times more" in found.problem
    assert shelf.counted("HEAD") == 1
    assert shelf.counted("GET", "manifests") == 0


def test_a_busy_registry_is_not_asked_again_before_the_time_it_names(shelf: Shelf, tmp_path: Path) -> None:
    shelf.offer("v1.9.0")
    asked = channel(shelf, tmp_path)
    asked.list()
    shelf.behaviour = only("tags/list", 429, headers={"retry-after": "3600"})
    found = asked.list()
    assert [offer.version for offer in found.offers] == ["1.9.0"]
    assert "429" in found.problem
    shelf.asked.clear()
    assert "wants to be left alone until" in asked.list().problem
    assert asked.resolve("1.9.0").size
    assert shelf.asked == []


def test_a_registry_that_is_busy_for_a_moment_is_waited_for(shelf: Shelf, tmp_path: Path) -> None:
    shelf.offer("v1.9.0")
    left = [1]

    def once(handler: Handler) -> bool:
        left[0] -= 1
        return left[0] >= 0 and only("tags", 429, headers={"retry-after": "2"})(handler)

    clock = PatientClock()
    shelf.behaviour = lambda handler: "tags" in handler.path and once(handler)
    found = channel(shelf, tmp_path, clock=clock, politeness=Politeness(tries=3)).list()
    assert found.offers
    assert clock.pauses == [2.0]


# --- what it says -----------------------------------------------------------------------------------------------------


def test_bytes_that_are_not_the_digests_are_not_believed(shelf: Shelf, tmp_path: Path) -> None:
    digest = shelf.offer("v1.9.0")
    shelf.documents[digest] = (manifests.INDEX, b'{"schemaVersion": 2, "manifests": []}')
    with pytest.raises(ChannelError, match=f"expected {digest}"):
        channel(shelf, tmp_path).resolve("1.9.0")


@pytest.mark.parametrize("said", ["", "sha256:short", "md5:" + "a" * 32, "sha256:" + "A" * 64])
def test_a_digest_that_is_none_is_not_believed(said: str, shelf: Shelf, tmp_path: Path) -> None:
    digest = shelf.offer("v1.9.0")
    shelf.behaviour = lambda handler: (
        handler.command == "HEAD"
        and only("v1.9.0", 200, headers={"docker-content-digest": said} if said else {})(handler)
    )
    if said:
        found = channel(shelf, tmp_path).list()
        assert not found.offers
        assert "which is none" in found.problem
    else:  # a registry that does not say it is asked for the bytes
        artifact = channel(shelf, tmp_path).resolve("1.9.0")
        assert f"sha256:{artifact.sha256}" == digest


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<html>", "cannot be read"),
        (b'{"tags": 5}', "no list of tags"),
        (b'{"tags": ' + b"[" * 50 + b"]" * 50 + b"}", "nested too deep"),
        (b"x" * (manifests.LARGEST + 1), "not taken"),
    ],
    ids=range(4),
)
def test_a_list_of_tags_that_is_none_is_refused(body: bytes, why: str, shelf: Shelf, tmp_path: Path) -> None:
    shelf.behaviour = only("tags/list", 200, body)
    with pytest.raises(ChannelError, match=why):
        channel(shelf, tmp_path).list()


def test_tags_that_are_none_are_passed_over(shelf: Shelf, tmp_path: Path) -> None:
    shelf.offer("v1.9.0")
    page = {"tags": ["v1.9.0", "../../etc/passwd", "v1.9.1\r\nx: y", 7, None, "v" + "9" * 200, "v1.2.3+x", "v01.2.3"]}
    shelf.behaviour = only("tags/list", 200, json.dumps(page).encode())
    assert [offer.version for offer in channel(shelf, tmp_path).list().offers] == ["1.9.0"]
    assert all(one.path.count("/..") == 0 for one in shelf.asked)


def test_a_list_without_an_end_is_left(shelf: Shelf, tmp_path: Path) -> None:
    link = {"link": f'</v2/{IMAGE}/tags/list?last=x&n=1000>; rel="next"'}
    shelf.behaviour = only("tags/list", 200, b'{"tags": ["v1.9.0"]}', link)
    with pytest.raises(ChannelError, match="has no end"):
        channel(shelf, tmp_path).list()


@pytest.mark.parametrize(
    "link", ["http://169.254.169.254/v2/", "https://registry.example/v2/envoyproxy/gateway/tags/list?n=1",
             "/v2/another/tags/list?n=1", "/v2/envoyproxy/gateway/tags/list"],
)  # fmt: skip
def test_a_next_page_that_is_somewhere_else_is_not_read(link: str, shelf: Shelf, tmp_path: Path) -> None:
    shelf.behaviour = only("tags/list", 200, b'{"tags": []}', {"link": f'<{link}>; rel="next"'})
    with pytest.raises(ChannelError, match="not their list"):
        channel(shelf, tmp_path).list()
    assert shelf.counted("GET", "tags/list") == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"layout": 1}', '{"layout": 99}'])
def test_a_damaged_memory_is_no_memory(text: str, shelf: Shelf, tmp_path: Path) -> None:
    shelf.offer("v1.9.0")
    (tmp_path / "kept.json").write_text(text)
    assert channel(shelf, tmp_path).list().offers


def test_one_bad_image_does_not_hide_the_others(shelf: Shelf, tmp_path: Path) -> None:
    shelf.offer("v1.8.0", content=b"good")
    shelf.put({"schemaVersion": 1, "mediaType": manifests.INDEX, "manifests": []}, tag="v1.9.0")
    asked = channel(shelf, tmp_path)
    assert [offer.version for offer in asked.list().offers] == ["1.9.0", "1.8.0"]
    with pytest.raises(ChannelError, match="schema version 2"):
        asked.resolve("1.9.0")


# --- who gets the login -----------------------------------------------------------------------------------------------


def test_a_login_does_not_follow_a_redirect_to_another_host(shelf: Shelf, other: Shelf, tmp_path: Path) -> None:
    shelf.offer("v1.9.0")
    shelf.put({"schemaVersion": 2, "mediaType": manifests.MANIFEST,
               "config": {"mediaType": "x", **shelf.put_blob(b'{"os": "linux", "architecture": "riscv64"}')},
               "layers": []}, tag="v1.9.1")  # fmt: skip
    other.blobs = dict(shelf.blobs)

    def behave(handler: Handler) -> bool:
        if not handler.headers.get("authorization") and handler.path != "/v2/":
            handler.answer(401, headers={"www-authenticate": 'Basic realm="x"'})
        elif "/blobs/" in handler.path:
            handler.answer(307, headers={"location": f"http://{other.host}{handler.path}"})
        else:
            return False
        return True

    shelf.behaviour = behave
    assert channel(shelf, tmp_path, login=ANN).list().offers
    assert other.counted("GET", "/blobs/") == 1
    assert all("authorization" not in one.headers for one in other.asked)


def test_a_host_that_a_redirect_leads_to_gets_no_answer_to_its_challenge(
    shelf: Shelf, other: Shelf, tmp_path: Path
) -> None:
    shelf.behaviour = lambda handler: only(
        "/tags/list", 307, headers={"location": f"http://{other.host}{handler.path}"}
    )(handler)
    other.behaviour = only("/tags/list", 401, headers={"www-authenticate": 'Basic realm="x"'})
    with pytest.raises(ChannelError, match="wants another login"):
        channel(shelf, tmp_path, login=ANN).list()
    assert all("authorization" not in one.headers for one in other.asked)


@pytest.mark.parametrize(
    "realm",
    [
        "http://169.254.169.254/latest", "http://registry.example/token", "file:///etc/passwd", "ftp://127.0.0.1/",
        "http://ann:x@127.0.0.1/token", "http://127.0.0.1:0/token", "http://[::/token", "//127.0.0.1/token",
    ],
)  # fmt: skip
def test_a_realm_that_is_a_trap_gets_nothing(realm: str, shelf: Shelf, tmp_path: Path) -> None:
    shelf.behaviour = only("tags", 401, headers={"www-authenticate": f'Bearer realm="{realm}",service="x"'})
    with pytest.raises(ChannelError, match="no https address"):
        channel(shelf, tmp_path, login=ANN).list()


def test_a_realm_at_a_link_local_address_gets_nothing_even_over_https(shelf: Shelf, tmp_path: Path) -> None:
    realm = "https://169.254.169.254/token"
    shelf.behaviour = only("tags", 401, headers={"www-authenticate": f'Bearer realm="{realm}"'})
    with pytest.raises(ChannelError, match="link-local"):
        channel(shelf, tmp_path, login=ANN).list()


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"token": 7}', b'{"token": "a\\r\\nx: y"}', b'{"token": ""}', b"[" * 50_000],
    ids=range(7),
)
def test_a_token_that_is_none_is_refused(body: bytes, shelf: Shelf, tmp_path: Path) -> None:
    challenge = {"www-authenticate": f'Bearer realm="http://{shelf.host}/token"'}
    shelf.behaviour = lambda handler: (
        only("/token", 200, body)(handler) or only("tags", 401, headers=challenge)(handler)
    )
    with pytest.raises(ChannelError, match="gives no token"):
        channel(shelf, tmp_path, login=ANN).list()


def test_an_identity_token_is_exchanged_and_in_no_address(shelf: Shelf, tmp_path: Path) -> None:
    shelf.offer("v1.9.0")
    told: list[bytes] = []

    def behave(handler: Handler) -> bool:
        if handler.path.startswith("/token"):
            told.append(handler.body)
            handler.answer(200, b'{"access_token": "good"}', {"content-type": "application/json"})
        elif handler.headers.get("authorization") != "Bearer good" and handler.path != "/v2/":
            handler.answer(401, headers={"www-authenticate": f'Bearer realm="http://{shelf.host}/token",service="s"'})
        else:
            return False
        return True

    shelf.behaviour = behave
    assert channel(shelf, tmp_path, login=Login(IDENTITY, "refresh-me")).list().offers
    assert len(told) == 1
    assert b"grant_type=refresh_token" in told[0]
    assert b"refresh_token=refresh-me" in told[0]
    assert all("refresh-me" not in one.path for one in shelf.asked)


def test_a_registry_that_is_not_on_this_host_is_never_asked_without_tls(tmp_path: Path) -> None:
    asked = RegistryChannel(
        "envoy-gateway", image=images.parse(f"169.254.169.254/{IMAGE}"), login=lambda _: Found(ANN),
        cache=tmp_path / "k", clock=SystemClock(), politeness=ONCE,
    )  # fmt: skip
    with pytest.raises(ChannelError, match=r"https://169\.254\.169\.254.* is a link-local address"):
        asked.list()


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('Bearer realm="https://a/t",service="s",scope="repository:a/b:pull,push"',
         [Challenge("bearer", "https://a/t", "s", "repository:a/b:pull,push")]),
        ('Basic realm="x", Bearer realm="https://a/t"', [Challenge("basic", "x"), Challenge("bearer", "https://a/t")]),
        ("basic", [Challenge("basic")]),
        ('BEARER realm="https://a", realm="https://b"', [Challenge("bearer", "https://a")]),
        ('Bearer realm="https://a/?x=Basic realm=y"', [Challenge("bearer", "https://a/?x=Basic realm=y")]),
        ("Negotiate", []), ("", []), ('realm="https://a"', []), ("Digest realm=x", []), ("," * 10_000, []),
    ],
)  # fmt: skip
def test_challenges_are_read_as_they_are_meant(header: str, found: list[Challenge]) -> None:
    assert challenges(header) == found


def test_a_login_is_not_shown() -> None:
    assert "hunter2" not in f"{ANN} {ANN!r}"
