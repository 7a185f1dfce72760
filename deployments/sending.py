"""Messages to workers. They are wake-ups: one that cannot be sent costs the reaper's delay, not the change."""

from __future__ import annotations

from typing import Any

import structlog
from celery import Task
from kombu.exceptions import OperationalError

from egx_project.lib.queues import queue_of

log = structlog.get_logger(__name__)

EXPIRES_SECONDS = 60
"""So that what is sent again and again while all workers are busy does not pile up."""


def send(task: Task[Any, Any], *arguments: Any, node: str) -> None:
    """Wake a worker of the node, or any where it is empty."""
    try:
        task.apply_async(arguments, queue=queue_of(node), expires=EXPIRES_SECONDS)
    except OperationalError as error:
        log.warning("no message to workers: the broker is away", task=task.name, reason=str(error))
