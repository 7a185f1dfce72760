"""Beat's ticks."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from egx_project.events.record import prune


@shared_task(name="events.prune")
def prune_events() -> None:
    prune(keep=settings.EGX_EVENTS_KEPT)
