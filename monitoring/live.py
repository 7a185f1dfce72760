"""What a reader of events is sent: news, or, to start from, everything."""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

from egx_project.access.roles import Role
from egx_project.events.hub import Hub
from egx_project.events.read import Page, as_json, last_number
from monitoring import fragments
from monitoring.snapshot import snapshot

Fragments = dict[str, str]
Question = tuple[str, Role, frozenset[str] | None, int]


class Painter:
    """Renders what changed on a page once, for everybody who looks at it in the same role."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._painted: dict[Question, asyncio.Task[Fragments]] = {}

    async def paint(self, view: str, role: Role, subjects: frozenset[str] | None, *, number: int) -> Fragments:
        """As it is at event `number`, or later: rows are read after it."""
        question = (view, role, subjects, number)
        if question not in self._painted:
            self._painted = {asked: task for asked, task in self._painted.items() if asked[-1] >= number}
            self._painted[question] = asyncio.create_task(
                self._hub.in_database(fragments.render, view, role=role, subjects=subjects)
            )
        return await asyncio.shield(self._painted[question])


_painters: WeakKeyDictionary[Hub, Painter] = WeakKeyDictionary()


def painter(hub: Hub) -> Painter:
    if hub not in _painters:
        _painters[hub] = Painter(hub)
    return _painters[hub]


async def fragments_for(hub: Hub, page: Page, *, view: str, role: Role) -> Fragments:
    """What of a page may be another after these events; all of it for a reader who has to start over."""
    subjects = None if page.reset else frozenset(event.subject for event in page.events)
    return await painter(hub).paint(view, role, subjects, number=page.last)


async def news(hub: Hub, page: Page, *, view: str, role: Role) -> dict[str, Any]:
    """The message for a reader who has seen everything before `page`."""
    body: dict[str, Any] = {"type": "events", "last": page.last, "events": [as_json(event) for event in page.events]}
    if view and page.events:
        body["fragments"] = await fragments_for(hub, page, view=view, role=role)
    return body


async def everything(hub: Hub, *, view: str, role: Role) -> tuple[int, dict[str, Any]]:
    """The number of the newest event, and the message for a reader who has seen nothing, or too little.

    The number is read first: what happens in between is sent again, which does no harm.
    """
    number = await hub.in_database(last_number)
    body: dict[str, Any] = {"type": "snapshot", "last": number}
    if view:
        body["fragments"] = await painter(hub).paint(view, role, None, number=number)
    else:
        body["state"] = await hub.in_database(snapshot)
    return number, body
