"""WebSockets that stay open for a while, and hear back what they say."""

from __future__ import annotations

import asyncio
import contextlib
import time

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from egx_project.load.http1 import BrokenError, NoConnectionError

ANSWER_SECONDS = 10.0
CLOSE_SECONDS = 2.0


async def live(url: str, *, over: asyncio.Event, seconds: float | None, every: float) -> None:
    """Say something every so many seconds, for so long or until all is over, and hear it back each time.

    Raises NoConnectionError, and BrokenError where it ends before that.
    """
    began = time.monotonic()
    try:
        connection = await connect(url, compression=None, proxy=None, open_timeout=ANSWER_SECONDS,
                                   close_timeout=CLOSE_SECONDS, ping_interval=None)  # fmt: skip
    except InvalidHandshake as error:
        raise BrokenError(str(error)) from error
    except (OSError, TimeoutError) as error:
        raise NoConnectionError(str(error)) from error
    until = None if seconds is None else time.monotonic() + seconds
    try:
        await _talk(connection, over, until=until, every=every)
    except (ConnectionClosed, TimeoutError) as error:
        raise BrokenError(f"cut after {time.monotonic() - began:.1f} s: {error}") from error
    finally:
        await connection.close()


async def _talk(connection: ClientConnection, over: asyncio.Event, *, until: float | None, every: float) -> None:
    said = 0
    while not over.is_set() and (until is None or time.monotonic() < until):
        said += 1
        await connection.send(str(said))
        async with asyncio.timeout(ANSWER_SECONDS):
            heard = await connection.recv()
        if heard != str(said):
            raise BrokenError(f"said {said}, heard {heard!r}")
        left = every if until is None else min(every, max(0.0, until - time.monotonic()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await over.wait()
