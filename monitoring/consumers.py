"""`/ws/events?after=N`: a snapshot with its number, then only what is newer."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any
from urllib.parse import parse_qs

import structlog
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError

from egx_project.access.handshake import HandshakeError, user_of_handshake
from egx_project.access.roles import Action, Role, may, role_of
from egx_project.events.hub import Hub, hub
from egx_project.events.kinds import EventKind
from egx_project.events.read import Page
from egx_project.lib.errors import BadInputError, EgxError
from monitoring.live import painter
from monitoring.pace import Pace

log = structlog.get_logger(__name__)

BEAT_SECONDS = 15.0
"""After so long without news a sign of life is sent, and it is asked again who listens."""
LONGEST_NUMBER = 18
BAD_REQUEST, GONE, ONLY_TELLS, TRY_LATER, BROKEN = 4400, 4401, 4405, 1013, 1011


class Events(AsyncJsonWebsocketConsumer):
    """One reader."""

    _hub: Hub
    _pushing: asyncio.Task[None] | None = None
    _counted = False
    _admitted_at = 0.0

    async def connect(self) -> None:
        self._hub = hub()
        role, refusal = await self._admitted()
        if role is None:
            log.warning("socket refused", reason=refusal, path=self.scope["path"])
            await self.close()  # before it is accepted: HTTP 403
            return
        if self._hub.sockets >= settings.EGX_MOST_SOCKETS:
            log.warning("socket refused", reason="too many sockets", open=self._hub.sockets)
            await self.accept()
            await self.close(TRY_LATER)
            return
        self._hub.sockets += 1
        self._counted = True
        await self.accept()
        try:
            after, view = _asked(self.scope["query_string"])
        except EgxError as error:
            await self.close(BAD_REQUEST, reason=error.message[:100])
            return
        self._pushing = asyncio.create_task(self._push_forever(after, view, role))

    async def disconnect(self, code: int) -> None:
        if self._counted:
            self._hub.sockets -= 1
            self._counted = False
        if code == 1009:  # noqa: PLR2004  RFC 6455, section 7.4.1
            log.warning("socket closed", reason="a message was too large")
        if self._pushing is not None:
            self._pushing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pushing

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **_: Any) -> None:  # noqa: ARG002
        log.warning("socket closed", reason="it was told something; it only tells")
        await self.close(ONLY_TELLS, reason="this socket only tells")

    async def _admitted(self) -> tuple[Role | None, str]:
        """The reader's role now, or None and why."""

        def ask() -> tuple[Role | None, str]:
            try:
                user = user_of_handshake(self.scope)
            except HandshakeError as error:
                return None, str(error)
            return (role_of(user), "") if may(user, Action.VIEW) else (None, "no login, or no role")

        self._admitted_at = asyncio.get_running_loop().time()
        return await self._hub.in_database(ask)

    async def _push_forever(self, after: int | None, view: str, role: Role) -> None:
        try:
            async with self._hub.following():
                still: Role | None = role
                pace, now = Pace(), asyncio.get_running_loop().time
                while still is not None:
                    after, doubtful = await self._push(after, view, still)
                    pace.pushed(now())
                    await asyncio.sleep(pace.pause(now()))
                    if doubtful or now() - self._admitted_at > BEAT_SECONDS:
                        still, _ = await self._admitted()
            await self.close(GONE, reason="logged out")
        except EgxError as error:
            await self.close(BAD_REQUEST, reason=error.message[:100])
        except DatabaseError as error:  # the reader comes again
            log.warning("socket closed", reason=f"{type(error).__name__}: {error}")
            await self.close(TRY_LATER)
        except Exception:  # a fault of ours: said, and not left as a socket that says nothing
            log.exception("socket broke")
            await self.close(BROKEN)

    async def _push(self, after: int | None, view: str, role: Role) -> tuple[int, bool]:
        """Send what is newer than `after`, or a sign of life.

        The number of what has been sent, and whether it tells that somebody may not be let in any more.
        """
        if after is not None:
            page = await self._hub.wait_after(after, seconds=BEAT_SECONDS)
            if not page.reset:
                await self.send(await painter(self._hub).news(page, view=view, role=role))
                return page.last, _shuts_out(page)
        number, message = await painter(self._hub).everything(view=view, role=role)
        await self.send_json(message)
        return number, False


def _shuts_out(page: Page) -> bool:
    return any(event.kind == EventKind.TOKEN_REVOKED for event in page.events)


def _asked(query: bytes) -> tuple[int | None, str]:
    """`after` and `view`. Raises BadInputError."""
    given = parse_qs(query.decode("latin-1"))
    after, view = given.get("after", [""])[0], given.get("view", [""])[0]
    if after and not (after.isascii() and after.isdigit() and len(after) <= LONGEST_NUMBER):
        raise BadInputError("after is the number of an event")
    return int(after) if after else None, view
