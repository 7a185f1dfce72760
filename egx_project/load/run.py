"""The load itself: every request at its time, whatever became of the ones before it (open loop)."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field

from egx_project.load import websocket
from egx_project.load.http1 import BrokenError, Fresh, KeepAlive, NoConnectionError
from egx_project.load.http2 import Http2
from egx_project.load.outcomes import Kind, Outcome

MOST_AT_ONCE = 2_000
"""Requests under way. Beyond it one counts as failed at once: a load without an end would bring down its host."""
ANSWER_SECONDS = 15.0
"""How long an answer may take before its request counts as failed."""
TALK_SECONDS = 0.5
"""Between two messages of a WebSocket."""


@dataclass(frozen=True, kw_only=True)
class Mix:
    """Requests a second of each kind, and WebSockets that are open all the time."""

    keep_alive: float = 0
    fresh: float = 0
    h2: float = 0
    h2_connections: int = 2
    websockets: int = 0
    websocket_seconds: float = 1.0
    """How long each lives; another takes its place."""
    long_websockets: int = 0
    """These live as long as the load does."""
    path: str = "/?ledger={number}&bytes=256"
    authority: str = "localhost"


Get = Callable[[str], Coroutine[None, None, None]]


@dataclass
class Load:
    host: str
    port: int
    mix: Mix
    outcomes: list[Outcome] = field(default_factory=list)
    asked_again: int = 0
    """HTTP/2 requests that a connection which was closing had not taken."""

    async def run(self, over: asyncio.Event) -> None:
        """Until `over` is set, and then until every request has come to its end."""
        numbers = itertools.count(1)
        where = (self.host, self.port, self.mix.authority)
        keep_alive, fresh = KeepAlive(*where), Fresh(*where)
        h2 = Http2(*where, connections=self.mix.h2_connections)
        async with asyncio.TaskGroup() as group:
            for kind, rate, client in (
                (Kind.KEEP_ALIVE, self.mix.keep_alive, keep_alive),
                (Kind.FRESH, self.mix.fresh, fresh),
                (Kind.H2, self.mix.h2, h2),
            ):
                if rate:
                    group.create_task(self._steadily(kind, rate, client.get, numbers, over))
            for _each in range(self.mix.websockets):
                group.create_task(self._websockets(Kind.WEBSOCKET, self.mix.websocket_seconds, numbers, over))
            for _each in range(self.mix.long_websockets):
                group.create_task(self._websockets(Kind.LONG_WEBSOCKET, None, numbers, over))
        for client in (keep_alive, fresh, h2):
            await client.close()
        self.asked_again = h2.asked_again

    async def _steadily(self, kind: Kind, rate: float, get: Get, numbers: Iterator[int], over: asyncio.Event) -> None:
        due = time.monotonic()
        async with asyncio.TaskGroup() as under_way:
            open_now = 0

            def ended(_task: object) -> None:
                nonlocal open_now
                open_now -= 1

            while not over.is_set():
                due += 1 / rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                number = next(numbers)
                if open_now >= MOST_AT_ONCE:
                    self.outcomes.append(Outcome(kind, number, due, 0.0, f"{MOST_AT_ONCE} are under way"))
                    continue
                open_now += 1
                under_way.create_task(self._one(kind, number, due, get)).add_done_callback(ended)

    async def _one(self, kind: Kind, number: int, due: float, get: Get) -> None:
        failure, refused = "", False
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await get(self.mix.path.format(number=number))
        except NoConnectionError as error:
            failure, refused = f"no connection: {error}", True
        except BrokenError as error:
            failure = str(error)
        except TimeoutError:
            failure = f"no answer in {ANSWER_SECONDS:g} s"
        self.outcomes.append(Outcome(kind, number, due, time.monotonic() - due, failure, refused))

    async def _websockets(self, kind: Kind, seconds: float | None, numbers: Iterator[int], over: asyncio.Event) -> None:
        while not over.is_set():
            number, began, failure, refused = next(numbers), time.monotonic(), "", False
            url = f"ws://{self.host}:{self.port}/ws?ledger={number}"
            try:
                await websocket.live(url, over=over, seconds=seconds, every=TALK_SECONDS)
            except NoConnectionError as error:
                failure, refused = f"no connection: {error}", True
            except BrokenError as error:
                failure = str(error)
            self.outcomes.append(Outcome(kind, number, began, time.monotonic() - began, failure, refused))
            if refused:
                await asyncio.sleep(TALK_SECONDS)
