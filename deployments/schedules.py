"""Beat's ticks."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.conf import settings

from deployments import labels
from deployments.keeping import keep_services_here
from deployments.selectors import supervised_nodes
from deployments.sending import send
from deployments.services import wake_stale
from deployments.tending import tend

KEEP_SECONDS = 5.0


@shared_task(name="deployments.reap")
def reap() -> None:
    """Find work whose worker is gone, or whose wake-up was lost."""
    wake_stale()


@shared_task(name="deployments.tend_all")
def tend_all() -> None:
    """Where no `egx up` looks after its node by itself."""
    for node in supervised_nodes():
        send(tend_here, node=node)


@shared_task(name="deployments.tend")
def tend_here() -> None:
    """Start again what died on this node."""
    tend()
    labels.follow()


@worker_ready.connect
def keep_services_beside(**_signal: Any) -> None:
    """In the process that starts a node's workers; `egx up` has a thread of its own for it."""
    if settings.REDIS_URL:
        keep_services_here(every=KEEP_SECONDS)
