"""Beat's ticks."""

from __future__ import annotations

from celery import shared_task

from deployments import labels
from deployments.selectors import supervised_nodes
from deployments.sending import send
from deployments.services import tend, wake_stale


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
