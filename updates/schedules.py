"""Beat's ticks."""

from __future__ import annotations

from celery import shared_task

from deployments.selectors import supervised_nodes
from deployments.sending import send
from updates.services import checks, soaks


@shared_task(name="updates.check")
def check() -> None:
    """Ask the channels whose time has come, and put in what policies want to have put in."""
    checks.check_due()
    soaks.update_by_policy()


@shared_task(name="updates.watch_all")
def watch_all() -> None:
    """Where no `egx up` looks after its node by itself."""
    for node in supervised_nodes():
        send(watch_here, node=node)


@shared_task(name="updates.watch")
def watch_here() -> None:
    """One look at what soaks on this node."""
    soaks.watch()
