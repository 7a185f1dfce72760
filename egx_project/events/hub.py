"""Events as they happen: read once, for every browser and waiting request of this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import structlog
from asgiref.sync import sync_to_async
from django.db import DatabaseError, connection, connections

from egx_project.events import across, wake
from egx_project.events.models import Event
from egx_project.events.read import Page, last_number, since

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

POLL_SECONDS = 1.0
"""How soon events are seen whose wake-up was lost, or that came from a process which sends none."""
KEPT = 2000
MOST_AT_ONCE = 500


class Hub:
    """Follows the events while anybody is interested. One for each event loop: see `hub()`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        # One thread, which keeps its connection: what is asked here is asked often, and is short.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="live")
        self._woken = asyncio.Event()
        self._arrived = asyncio.Event()
        self._recent: deque[Event] = deque()
        self._complete_from = 0
        """`_recent` has every event after this number, up to `last`."""
        self._followers = 0
        self._reading: asyncio.Task[None] | None = None
        self.last = 0
        self.sockets = 0
        """Open WebSockets, kept by who opens and closes them."""

    async def in_database(self, ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask the rows, in the hub's thread."""

        def work() -> T:
            try:
                return ask(*args, **kwargs)
            except DatabaseError:
                connection.close()  # it may be what broke; the next one asks by a new one
                raise

        return await self._loop.run_in_executor(self._thread, work)

    async def close(self) -> None:
        """Nobody follows any more, and nobody will."""
        await self.in_database(connections.close_all)  # the thread's own
        self._thread.shutdown()

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Be interested."""
        self._followers += 1
        try:
            if self._reading is None:
                self._reading = asyncio.create_task(self._read_forever())
            yield
        finally:
            self._followers -= 1
            if not self._followers and self._reading is not None:
                self._reading.cancel()
                self._reading = None

    async def wait_after(self, number: int, *, operation: int | None = None, seconds: float) -> Page:
        """The events after `number`; waits up to `seconds` for one. To be called while following."""
        deadline = self._loop.time() + seconds
        while True:
            arrived = self._arrived
            page = await self._after(number, operation)
            left = deadline - self._loop.time()
            if page.events or page.reset or left <= 0:
                return page
            await until(arrived, left)

    async def _after(self, number: int, operation: int | None) -> Page:
        if not self._complete_from <= number <= self.last or not self._recent:
            return await self.in_database(since, number, operation=operation)
        events = [event for event in self._recent if event.number > number]
        if operation is not None:
            events = [event for event in events if event.operation == operation]
        full = len(events) > MOST_AT_ONCE
        found = tuple(events[:MOST_AT_ONCE])
        return Page(events=found, last=found[-1].number if full else self.last, reset=False)

    async def _read_forever(self) -> None:
        unsubscribe = wake.subscribe(self._wake)
        listening = asyncio.create_task(across.listen()) if across.is_used() else None
        try:
            self._start_at(await self._newest())
            while True:
                await until(self._woken, POLL_SECONDS)
                self._woken.clear()
                await self._look()
        finally:
            unsubscribe()
            self._recent.clear()
            if listening is not None:
                listening.cancel()

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._woken.set)

    async def _newest(self) -> int:
        while True:
            try:
                return await self.in_database(last_number)
            except DatabaseError as error:
                log.warning("events cannot be read at the moment", reason=str(error))
                await asyncio.sleep(POLL_SECONDS)

    def _start_at(self, number: int) -> None:
        self._recent.clear()
        self._complete_from = self.last = number
        self._announce()

    async def _look(self) -> None:
        try:
            page = await self.in_database(since, self.last, limit=MOST_AT_ONCE)
        except DatabaseError as error:
            log.warning("events cannot be read at the moment", reason=str(error))
            return
        if page.reset:
            self._start_at(page.last)
        elif page.events:
            self._recent.extend(page.events)
            while len(self._recent) > KEPT:
                self._complete_from = self._recent.popleft().number
            self.last = page.last
            if len(page.events) == MOST_AT_ONCE:
                self._woken.set()
            self._announce()

    def _announce(self) -> None:
        self._arrived.set()
        self._arrived = asyncio.Event()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The running loop's."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


async def until(event: asyncio.Event, seconds: float) -> bool:
    """Whether it was set within so long."""
    try:
        async with asyncio.timeout(seconds):  # wait_for of Python 3.11 loses a cancellation that comes with the event
            await event.wait()
    except TimeoutError:
        return False
    return True


async def wait_since(number: int | None, *, operation: int | None = None, seconds: float = 0.0) -> Page:
    """The events after `number`, or the newest; waits up to `seconds` until there is one."""
    page = await sync_to_async(since)(number, operation=operation)
    if page.events or page.reset or seconds <= 0:
        return page
    current = hub()
    async with current.following():
        return await current.wait_after(number or 0, operation=operation, seconds=seconds)
