"""Beat's ticks."""

from __future__ import annotations

from celery import shared_task

from egx_project.rest.answers import prune


@shared_task(name="rest.prune")
def prune_answers() -> None:
    prune()
