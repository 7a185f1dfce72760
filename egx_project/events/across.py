"""Wake-ups between processes, over Channels' layer (Redis). Without one, there is only this process."""

from __future__ import annotations

import asyncio
import os
import threading

import structlog
from channels.layers import BaseChannelLayer, get_channel_layer
from django.conf import settings

from egx_project.events import wake

log = structlog.get_logger(__name__)

GROUP = "events"
MESSAGE = {"type": "events.committed"}
AGAIN_SECONDS = 1.0


def is_used() -> bool:
    return bool(settings.CHANNEL_LAYERS)


def _layer() -> BaseChannelLayer:
    layer = get_channel_layer()
    if layer is None:
        raise RuntimeError("there is no channel layer: REDIS_URL is empty")
    return layer


class Teller:
    """Tells the other processes, from a thread of its own: no commit waits for Redis, and a burst is one message."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._news = threading.Event()

    def tell(self) -> None:
        with self._lock:
            if self._pid != os.getpid():  # threads do not survive a fork
                self._pid = os.getpid()
                self._news = threading.Event()
                threading.Thread(target=self._run, args=(self._news,), name="teller", daemon=True).start()
        self._news.set()

    def _run(self, news: threading.Event) -> None:
        layer = _layer()
        # The wait is this thread's own, a daemon's: one of the loop's pool would keep the process from ending.
        with asyncio.Runner() as runner:
            while news.wait():
                news.clear()
                try:
                    runner.run(layer.group_send(GROUP, MESSAGE))
                except Exception as error:  # noqa: BLE001  whatever the layer's client raises: readers poll meanwhile
                    log.warning("others see this process's events by polling only", reason=type(error).__name__)


def start_telling() -> None:
    if is_used():
        wake.subscribe_to_own(Teller().tell)


async def listen() -> None:
    """Wake this process when another has committed, until cancelled."""
    layer = _layer()
    while True:
        try:
            channel = await layer.new_channel()
            await layer.group_add(GROUP, channel)
            while True:
                await layer.receive(channel)
                wake.here()
        except Exception as error:  # noqa: BLE001
            log.warning("events of other processes are found by polling only", reason=type(error).__name__)
            await asyncio.sleep(AGAIN_SECONDS)
