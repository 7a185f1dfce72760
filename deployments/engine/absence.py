"""A runtime that goes away in the middle of an operation, and comes back: a Docker Engine that is restarted, say."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from deployments.drivers.base import AbsentError
from deployments.engine.context import Context

Done = TypeVar("Done")
PAUSE_SECONDS = 0.5


def outlast(context: Context, effect: Callable[[], Done], *, go_on: Callable[[], object]) -> Done:
    """What `effect`, which is idempotent, returns once the runtime answers.

    Raises AbsentError where it stays away for longer than `patience.absence`, and whatever `effect` and `go_on` raise;
    `go_on` is called while it is away.
    """
    deadline: float | None = None
    while True:
        try:
            return effect()
        except AbsentError as absent:
            now = context.clock.monotonic()
            deadline = now + context.patience.absence if deadline is None else deadline
            if now >= deadline:
                raise
            go_on()
            context.record_progress(f"{absent.message}; waiting for it")
            context.clock.pause(PAUSE_SECONDS)
