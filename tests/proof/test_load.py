"""The load accounts for every request, and says so when one was lost."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import h2.config
import h2.connection
import h2.events
import pytest

from egx_project.lib.clock import SystemClock, wait_for
from egx_project.load import ledger
from egx_project.load.beside import Beside
from egx_project.load.http1 import BrokenError, KeepAlive
from egx_project.load.http2 import Http2
from egx_project.load.outcomes import Kind, Outcome, Recorded, quantile
from egx_project.load.run import Load, Mix
from egx_project.proof.running import backend_process, free_port

HOST = "127.0.0.1"


def run(load: Load, *, seconds: float) -> Load:
    async def going() -> None:
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(seconds, over.set)
        await load.run(over)

    asyncio.run(going())
    return load


def test_every_request_of_every_kind_arrives_once_and_is_answered() -> None:
    mix = Mix(keep_alive=100, fresh=50, websockets=2, websocket_seconds=0.2, long_websockets=1)
    with backend_process() as port, Beside(port, mix) as load:
        arrived = wait_for(
            lambda: ledger.reconcile(Recorded([]), backend_port=port).arrived >= 100 or None,
            clock=SystemClock(),
            seconds=20,
        )
        assert arrived
        load.stop()
        found = ledger.reconcile(load.recorded, backend_port=port)
    assert found.agree, str(found)
    kinds = {outcome.kind for outcome in load.recorded.outcomes}
    assert kinds == {Kind.KEEP_ALIVE, Kind.FRESH, Kind.WEBSOCKET, Kind.LONG_WEBSOCKET}


def test_where_nobody_listens_every_request_is_refused_and_counted() -> None:
    load = run(Load(host=HOST, port=free_port(), mix=Mix(keep_alive=100, fresh=100)), seconds=0.3)
    assert load.outcomes
    assert all(outcome.failed and outcome.refused for outcome in load.outcomes)


class _Closing(BaseHTTPRequestHandler):
    """Answers the first request of a connection, and half of the second."""

    protocol_version = "HTTP/1.1"
    asked = 0

    def do_GET(self) -> None:
        self.asked += 1
        whole = self.asked == 1
        self.send_response(200)
        self.send_header("content-length", "4")
        self.end_headers()
        self.wfile.write(b"good" if whole else b"ba")
        self.close_connection = not whole

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = ThreadingHTTPServer((HOST, 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def test_half_an_answer_is_a_failure_and_is_not_asked_again() -> None:
    async def ask(port: int) -> None:
        client = KeepAlive(HOST, port, "localhost")
        await client.get("/")
        with pytest.raises(BrokenError):
            await client.get("/")
        await client.close()

    with serving(_Closing) as port:
        asyncio.run(ask(port))


class _GoingAway:
    """An HTTP/2 server that answers three streams, says that it goes away, and takes nothing more on the connection."""

    def __init__(self) -> None:
        self.listener = socket.create_server((HOST, 0))
        self.port = int(self.listener.getsockname()[1])
        self.answered = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        speaking = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        speaking.initiate_connection()
        connection.sendall(speaking.data_to_send())
        waiting: list[int] = []
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(65536):
                waiting += [
                    e.stream_id for e in speaking.receive_data(data) if isinstance(e, h2.events.RequestReceived)
                ]
                connection.sendall(speaking.data_to_send())
                if len(waiting) >= 5:
                    # By hand: the library would not let the streams before it be answered.
                    connection.sendall(b"\0\0\x08\x07\0" + bytes(4) + waiting[2].to_bytes(4, "big") + bytes(4))
                    for number in waiting[:3]:
                        speaking.send_headers(number, [(":status", "200")], end_stream=True)
                        self.answered += 1
                    connection.sendall(speaking.data_to_send())
                    waiting.clear()


def test_what_an_http2_server_going_away_has_not_begun_is_asked_again_elsewhere() -> None:
    server = _GoingAway()

    async def ask() -> int:
        client = Http2(HOST, server.port, "localhost", connections=1)
        # Three of five are answered; the other two are asked again, and with three more they are five once more.
        tasks = [asyncio.create_task(client.get("/")) for _ in range(5)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        tasks += [asyncio.create_task(client.get("/")) for _ in range(3)]
        async with asyncio.timeout(20):
            for answered in itertools.islice(asyncio.as_completed(tasks), 6):
                await answered
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await client.close()
        return client.asked_again

    assert asyncio.run(ask()) >= 2
    assert server.answered >= 6
    server.listener.close()


def test_a_late_answer_counts_from_when_its_request_was_due() -> None:
    outcomes = [Outcome(Kind.KEEP_ALIVE, n, at=float(n), seconds=n / 10) for n in range(1, 11)]
    assert quantile(outcomes, 0.5) == 0.5
    assert quantile(outcomes, 0.99) == 1.0
    assert len(Recorded(outcomes).between(2.0, 5.0)) == 3


def test_a_long_websocket_that_was_cut_is_counted_apart_and_a_short_one_is_a_failure() -> None:
    long = Outcome(Kind.LONG_WEBSOCKET, 1, 0.0, 1.0, "cut after 1.0 s")
    short = Outcome(Kind.WEBSOCKET, 2, 0.0, 1.0, "cut after 1.0 s")
    recorded = Recorded([long, short])
    assert recorded.cut == [long]
    assert recorded.failed == [short]
