"""Beat's ticks."""

from __future__ import annotations

from celery import shared_task

from deployments.services import wake_stale


@shared_task(name="deployments.reap")
def reap() -> None:
    """Find work whose worker is gone, or whose wake-up was lost."""
    wake_stale()
