"""The look after support services, in a thread of each process that works."""

from __future__ import annotations

import threading

import structlog
from django.db import close_old_connections

from deployments import support
from egx_project.events import wake

log = structlog.get_logger(__name__)
AGAIN_SECONDS = 5.0


def keep_services(*, every: float | None = None) -> None:
    """For ever. `every`: how often to look where wishes of other processes are not told of."""
    woken = threading.Event()
    unsubscribe = wake.subscribe(woken.set)
    try:
        pause = support.converge(anew=True)
        while True:
            support.run_agents()
            close_old_connections()
            woken.wait(min((one for one in (pause, every) if one is not None), default=None))
            woken.clear()
            pause = support.converge()
    finally:
        unsubscribe()


def keep_services_here(*, every: float) -> None:
    """In a thread that starts over where it breaks, as when the database is away."""

    def run() -> None:
        pause = threading.Event()
        while True:
            try:
                keep_services(every=every)
            except Exception:
                log.exception("the look after support services broke")
            pause.wait(AGAIN_SECONDS)

    threading.Thread(target=run, name="services", daemon=True).start()
