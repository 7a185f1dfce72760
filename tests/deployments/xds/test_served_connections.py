"""What a slot does with connections: the client's address, HTTP/2, WebSockets, and changes under way."""

from __future__ import annotations

import http.client
import json
import socket
import struct
from typing import Any

import pytest

from tests.deployments.xds.builders import PORT, prefix, route, to
from tests.deployments.xds.conftest import Serve
from tests.deployments.xds.envoys import Slot

pytestmark = pytest.mark.envoy

GET = b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n"
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HTTP2_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


def connect(slot: Slot) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(5)
    connection.connect(str(slot.socket(PORT)))
    return connection


def answered(connection: socket.socket) -> dict[str, Any]:
    response = http.client.HTTPResponse(connection)
    response.begin()
    with response:
        said: dict[str, Any] = json.loads(response.read())
    return said


def proxy_v2(client: str) -> bytes:
    """The header that the edge sends before the client's bytes."""
    body = socket.inet_aton(client) + socket.inet_aton("127.0.0.1") + struct.pack("!HH", 40000, PORT)
    return b"\r\n\r\n\x00\r\nQUIT\n\x21\x11" + struct.pack("!H", len(body)) + body


def test_the_clients_address_comes_from_the_edge(serve: Serve) -> None:
    with connect(serve(route(to("v1")))) as connection:
        connection.sendall(proxy_v2("192.0.2.7") + GET)
        headers = dict(answered(connection)["headers"])

    assert headers["x-forwarded-for"] == "192.0.2.7"
    assert headers["x-forwarded-proto"] == "http"


def test_http2_is_spoken_with_clients_that_begin_with_it(serve: Serve) -> None:
    with connect(serve(route(to("v1")))) as connection:
        connection.sendall(HTTP2_PREFACE + HTTP2_SETTINGS)

        frame = connection.recv(9, socket.MSG_WAITALL)

    assert frame[3] == 4, "an HTTP/2 SETTINGS frame"


def test_a_websocket_passes_both_ways(serve: Serve) -> None:
    with connect(serve(route(to("v1")))) as connection:
        upgrade = b"GET / HTTP/1.1\r\nhost: a.test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
        connection.sendall(upgrade)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        connection.sendall(b"\x81\x02hi")

        assert head.startswith(b"HTTP/1.1 101 ")
        assert connection.recv(4, socket.MSG_WAITALL) == b"\x81\x02hi"


def test_a_connection_outlives_changes_of_routes_and_backends(serve: Serve) -> None:
    slot = serve(route(to("v1")))
    with connect(slot) as connection:
        connection.sendall(GET)
        first = answered(connection)

        serve(route(to("v2", matches=[prefix("/")]), hostnames=["a.test"]))
        connection.sendall(GET)
        second = answered(connection)

    assert (first["backend"], second["backend"]) == ("v1", "v2")
    assert slot.stats("listener_modified")["listener_manager.listener_modified"] == "0"


def test_dots_in_a_path_are_resolved_before_it_is_matched(serve: Serve) -> None:
    slot = serve(route(to("v1", matches=[prefix("/a")])))
    with connect(slot) as connection:  # httpx would resolve them itself
        connection.sendall(GET.replace(b" / ", b" /x/../a/./b "))

        assert answered(connection)["path"] == "/a/b"


def test_an_escaped_slash_reaches_the_backend_as_it_came(serve: Serve) -> None:
    slot = serve(route(to("v1")))

    assert slot.ask("/a%2Fb//c").path == "/a%2Fb//c"
