"""`/ws/events`: who may listen, what is told, and what is done about those who misuse it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.builders import gateway_yaml, route_yaml
from tests.e2e.running import Egx, await_that, get, quiet_port

FOREIGN = ("https://evil.example", "http://localhost:1", "null", "http://evil.localhost", "file://", "http://[", "")


@pytest.fixture
def token(shared: Egx) -> Iterator[str]:
    yield shared.do("token", "create", "listener", "--json").json["token"]
    shared.run("token", "revoke", "listener")


def listen(egx: Egx, query: str = "", *, token: str = "", **options: Any) -> ClientConnection:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"ws://localhost:{egx.port}/ws/events{query}"
    socket: ClientConnection = connect(url, additional_headers=headers, proxy=None, **options)
    return socket


def received(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(socket.recv(timeout=20))
    return message


def numbers(message: dict[str, Any]) -> list[int]:
    return [event["number"] for event in message["events"]]


def happen(egx: Egx) -> None:
    """Something that writes one event."""
    egx.do("token", "login")


def closed_with(socket: ClientConnection) -> int:
    for _ in range(10):
        if code := received_or_code(socket):
            return code
    raise AssertionError("it stays open")


# --- what is told ---------------------------------------------------------------------------------------------------


def test_a_reader_gets_a_snapshot_with_its_number_and_then_only_what_is_newer(shared: Egx, token: str) -> None:
    with listen(shared, token=token) as socket:
        first = received(socket)
        assert (first["type"], first["last"]) == ("snapshot", shared.ask("/events")["last"])
        assert set(first["state"]) == {"targets", "gateways", "routes", "backends", "operations"}
        happen(shared)
        news = received(socket)
    assert (news["type"], numbers(news)) == ("events", [first["last"] + 1])


def test_a_reader_that_was_away_is_told_what_it_missed(shared: Egx, token: str) -> None:
    before = shared.ask("/events")["last"]
    happen(shared)
    happen(shared)
    with listen(shared, f"?after={before}", token=token) as socket:
        assert numbers(received(socket)) == [before + 1, before + 2]


def test_a_number_that_is_not_kept_or_not_known_starts_over_with_a_snapshot(shared: Egx, token: str) -> None:
    with listen(shared, "?after=99999999", token=token) as socket:
        assert received(socket)["type"] == "snapshot"


def test_a_burst_is_told_in_few_pushes_and_completely(shared: Egx, token: str) -> None:
    port = quiet_port()
    with listen(shared, token=token) as socket:
        seen = [received(socket)["last"]]
        shared.do("apply", "-f", "-", stdin=gateway_yaml("burst", ports=(port,)) + route_yaml("burst", gateway="burst"))
        shared.do("remove", "burst", "--yes")
        last = shared.ask("/events")["last"]
        pushes: list[list[int]] = []
        while seen[-1] < last:
            pushes.append(numbers(received(socket)))
            seen += pushes[-1]
    assert seen == list(range(seen[0], last + 1))
    assert len(pushes) < last - seen[0]


def test_the_long_poll_tells_the_same(shared: Egx, token: str) -> None:
    with listen(shared, token=token) as socket:
        after = received(socket)["last"]
        happen(shared)
        told = received(socket)["events"]
    assert shared.ask("/events", since=after)["items"] == told


# --- who may listen -------------------------------------------------------------------------------------------------


def refused(egx: Egx, **options: Any) -> int:
    with pytest.raises(InvalidStatus) as error, listen(egx, **options):
        pass
    return error.value.response.status_code


def test_strangers_and_unknown_tokens_are_refused(shared: Egx) -> None:
    assert refused(shared) == HTTPStatus.FORBIDDEN
    assert refused(shared, token="egx_unknown") == HTTPStatus.FORBIDDEN


def test_a_logged_in_browser_listens_from_egxs_own_pages_and_from_no_other(shared: Egx) -> None:
    with shared.browsing() as browser:
        login = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
    url = f"ws://localhost:{shared.port}/ws/events"
    with connect(url, additional_headers={**login, "Origin": f"http://localhost:{shared.port}"}, proxy=None) as socket:
        assert received(socket)["type"] == "snapshot"
    for origin in FOREIGN:
        headers = {**login, "Origin": origin} if origin else login
        with pytest.raises(InvalidStatus) as error, connect(url, additional_headers=headers, proxy=None):
            pass
        assert error.value.response.status_code == HTTPStatus.FORBIDDEN, origin


def test_a_token_that_is_revoked_ends_what_it_opened(shared: Egx, token: str) -> None:
    with listen(shared, token=token) as socket:
        received(socket)
        shared.do("token", "revoke", "listener")
        assert closed_with(socket) == 4401


def test_there_is_one_socket_and_no_other(shared: Egx, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    for path in ("/ws/other", "/", "/ws/events/"):
        url = f"ws://localhost:{shared.port}{path}"
        with pytest.raises(InvalidStatus), connect(url, additional_headers=headers, proxy=None):
            pass


# --- misuse ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["?after=x", "?after=-1", "?after=" + "9" * 400, "?view=nothing/like/it"])
def test_a_question_that_cannot_be_answered_is_refused_with_its_reason(shared: Egx, token: str, query: str) -> None:
    with listen(shared, query, token=token) as socket:
        assert closed_with(socket) == 4400
        assert socket.close_reason


def test_a_socket_that_is_told_something_is_closed(shared: Egx, token: str) -> None:
    with listen(shared, token=token) as socket:
        socket.send('{"type": "events"}')
        assert closed_with(socket) == 4405


def test_an_oversized_frame_is_refused_and_nothing_else_suffers(shared: Egx, token: str) -> None:
    with listen(shared, token=token) as other, listen(shared, token=token) as socket:
        received(other)
        socket.send("x" * 100_000)
        assert closed_with(socket) in {1009, 4405}
        happen(shared)
        assert received(other)["type"] == "events"


def test_a_thousand_sockets_are_not_served_and_egx_goes_on(shared: Egx, token: str) -> None:
    refusals = 0
    with ExitStack() as open_sockets:
        for _ in range(1000):
            try:
                socket = open_sockets.enter_context(listen(shared, token=token, close_timeout=0, compression=None))
            except (InvalidStatus, ConnectionClosed, OSError):
                refusals += 1
                continue
            if received_or_code(socket) == 1013:
                refusals += 1
                socket.close()
        assert refusals == 1000 - 200
        assert get(shared.port, "/health/live").status == HTTPStatus.OK
        happen(shared)
    await_that(lambda: opens(shared, token), "a socket is served again")


def received_or_code(socket: ClientConnection) -> int:
    try:
        socket.recv(timeout=20)
    except ConnectionClosed:
        return socket.close_code or 0
    return 0


def opens(egx: Egx, token: str) -> bool | None:
    with listen(egx, token=token) as socket:
        return received_or_code(socket) == 0 or None
