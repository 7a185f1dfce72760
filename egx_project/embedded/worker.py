"""The work in the same process: a Celery worker and beat in threads, a poller of the rows, the supervisor's look.

All threads are daemons: a stop of EGX needs no permission of theirs, since whatever they are at is taken up again.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

import structlog
from celery.beat import EmbeddedService
from celery.worker import WorkController
from django.db import close_old_connections, connection

from deployments import labels, tending
from deployments.engine.waiting import runnable
from deployments.keeping import keep_services
from deployments.tasks import run_operation
from egx_project.celery import app
from egx_project.events import wake
from updates.services import soaks

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.2
TEND_SECONDS = 1.0
"""Between two looks at what should run; where the system tells of a death, the look comes at once."""
AT_ONCE = 4
CELERY_THREADS = 2
SOAK_SECONDS = 1.0


class Poller:
    """Runs what the rows say is to be run: at once when something was committed here, else at the next poll."""

    def __init__(self) -> None:
        self._woken = threading.Event()
        self._asked: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._busy: set[int] = set()
        # Threads that stay keep their connections to the database; daemons, which a pool's are not.
        for number in range(AT_ONCE):
            threading.Thread(target=self._work_forever, name=f"worker-{number}", daemon=True).start()

    def run(self) -> None:
        wake.subscribe(self._woken.set)
        while True:
            self._woken.wait(POLL_SECONDS)
            self._woken.clear()
            self._start_waiting()

    def _start_waiting(self) -> None:
        for operation in runnable():
            if operation.pk not in self._busy:
                self._busy.add(operation.pk)
                self._asked.put(operation.pk)

    def _work_forever(self) -> None:
        while True:
            operation_id = self._asked.get()
            try:
                run_operation(operation_id)
            except Exception:  # the operation is unowned again; the next poll takes it up
                log.exception("operation broke", operation_id=operation_id)
                connection.close()  # it may be what broke
            finally:
                self._busy.discard(operation_id)
                self._woken.set()


def start() -> None:
    """Start all threads."""
    beat = EmbeddedService(app, thread=True, max_interval=5, scheduler_cls="celery.beat.Scheduler")
    for name, body in (
        ("poller", Poller().run),
        ("supervisor", _tend_forever),
        ("soaks", _watch_forever),
        ("services", keep_services),
        ("celery", _celery_worker),
        ("beat", beat.run),
    ):
        threading.Thread(target=_kept(name, body), name=name, daemon=True).start()


def _celery_worker() -> None:
    WorkController(
        app=app,
        pool_cls="threads",
        concurrency=CELERY_THREADS,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    ).start()


def _tend_forever() -> None:
    while True:
        tending.tend(
            report=lambda revival: log.warning("revived", unit=revival.unit, key=revival.key, reason=revival.reason)
        )
        labels.follow()
        tending.await_death(seconds=TEND_SECONDS)


def _watch_forever() -> None:
    """As often as is worth while: once a second while something soaks, and else when an operation has ended."""
    changed, pause = threading.Event(), threading.Event()
    wake.subscribe(changed.set)
    while True:
        soaking = soaks.watch()
        close_old_connections()
        if soaking:
            pause.wait(SOAK_SECONDS)  # not at every event: its own looks make some
        else:
            changed.wait()
        changed.clear()


def _kept(name: str, body: Callable[[], None]) -> Callable[[], None]:
    """A thread that ends by an error starts over: a full disk that is no longer full must not need a restart."""

    def run() -> None:
        pause = threading.Event()
        while True:
            try:
                body()
            except Exception:
                log.exception("thread broke", thread=name)
            close_old_connections()
            pause.wait(1.0)

    return run
