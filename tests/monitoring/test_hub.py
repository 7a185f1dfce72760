"""Events are read once for everybody, and nobody gets one twice, whoever comes and goes."""

from __future__ import annotations

import asyncio

import pytest
from django.db import transaction

from egx_project.events.hub import Hub
from egx_project.events.kinds import EventKind
from egx_project.events.read import last_number
from egx_project.events.record import record

TIMES = 24

pytestmark = pytest.mark.django_db(transaction=True)


def happen() -> int:
    with transaction.atomic():
        return record(EventKind.GATEWAY_CHANGED, "gateway/web").number


async def follow_while_others_come_and_go() -> tuple[list[int], list[int]]:
    """The numbers that a reader is told who follows last, and those that there are."""
    hub = Hub()
    for turns in range(TIMES):
        async with hub.following():
            for _ in range(3):  # until the hub has looked, and waits
                await hub.in_database(last_number)
            hub._wake()
            for _ in range(turns % 8):  # the last follower leaves while the hub wakes up, in each of its turns
                await asyncio.sleep(0)
    start = await hub.in_database(happen)
    async with hub.following():
        last = (await hub.wait_after(start - 1, seconds=5)).last
        for _ in range(3):
            last = await hub.in_database(happen)
            await hub.wait_after(last - 1, seconds=5)
        await hub.in_database(last_number)
        seen = [event.number for event in (await hub.wait_after(start, seconds=5)).events]
    await hub.close()
    return seen, list(range(start + 1, last + 1))


def test_whoever_comes_and_goes_nobody_gets_an_event_twice() -> None:
    seen, there = asyncio.run(follow_while_others_come_and_go())
    assert seen == there
