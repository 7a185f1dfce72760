"""What a reader of events is sent: news, or, to start from, everything."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from weakref import WeakKeyDictionary

from egx_project.access.roles import Role
from egx_project.events.hub import Hub
from egx_project.events.read import Page, as_json, last_number
from monitoring import fragments
from monitoring.snapshot import snapshot

Fragments = dict[str, str]
Question = tuple[str, Role, frozenset[str] | None, int]
Message = tuple[str, Role, int, int]
"""View, role, and the numbers of the first and the last event."""


class Painter:
    """Renders what changed on a page once, for everybody who looks at it in the same role."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._painted: dict[Question, asyncio.Task[Fragments]] = {}
        self._written: dict[Message, str] = {}

    async def paint(self, view: str, role: Role, subjects: frozenset[str] | None, *, number: int) -> Fragments:
        """As it is at event `number`, or later: rows are read after it."""
        question = (view, role, subjects, number)
        if question not in self._painted:
            self._painted = {asked: task for asked, task in self._painted.items() if asked[-1] >= number}
            self._painted[question] = asyncio.create_task(
                self._hub.in_database(fragments.render, view, role=role, subjects=subjects)
            )
        return await asyncio.shield(self._painted[question])

    async def changed(self, page: Page, *, view: str, role: Role) -> Fragments:
        """What of a page may be another after these events; all of it for a reader who has to start over."""
        subjects = None if page.reset else frozenset(event.subject for event in page.events)
        return await self.paint(view, role, subjects, number=page.last)

    async def news(self, page: Page, *, view: str, role: Role) -> str:
        """The message for a reader who has seen everything before `page`: written once for all of them."""
        first = page.events[0].number if page.events else page.last
        message = (view, role, first, page.last)
        if message not in self._written:
            body: dict[str, Any] = {"type": "events", "last": page.last, "events": list(map(as_json, page.events))}
            if view and page.events:
                body["fragments"] = await self.changed(page, view=view, role=role)
            self._written = {known: text for known, text in self._written.items() if known[-1] >= page.last}
            self._written[message] = json.dumps(body, separators=(",", ":"))
        return self._written[message]

    async def everything(self, *, view: str, role: Role) -> tuple[int, dict[str, Any]]:
        """The number of the newest event, and the message for a reader who has seen nothing, or too little.

        The number is read first: what happens in between is sent again, which does no harm.
        """
        number = await self._hub.in_database(last_number)
        body: dict[str, Any] = {"type": "snapshot", "last": number}
        if view:
            body["fragments"] = await self.paint(view, role, None, number=number)
        else:
            body["state"] = await self._hub.in_database(snapshot)
        return number, body


_painters: WeakKeyDictionary[Hub, Painter] = WeakKeyDictionary()


def painter(hub: Hub) -> Painter:
    if hub not in _painters:
        _painters[hub] = Painter(hub)
    return _painters[hub]
