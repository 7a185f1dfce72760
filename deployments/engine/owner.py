"""Who is at an operation, and whether they still can be.

A worker on this host is judged by its process (pid and start time) and the host's boot, so that a laptop that slept is
not a crash; one on another host only by its heartbeat.
"""

from __future__ import annotations

import functools
import os
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil
from django.conf import settings

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Owner:
    node: str
    boot: str
    pid: int
    started: str
    token: str
    """Tells the claims of one process apart."""

    def __str__(self) -> str:
        return "|".join((self.node, self.boot, str(self.pid), self.started, self.token))

    @classmethod
    def parse(cls, text: str) -> Owner:
        node, boot, pid, started, token = text.split("|")
        return cls(node=node, boot=boot, pid=int(pid), started=started, token=token)


def me() -> Owner:
    """This process, for one claim."""
    return Owner(
        node=settings.EGX_NODE,
        boot=boot_id(),
        pid=os.getpid(),
        started=process_start(os.getpid()) or "",
        token=uuid.uuid4().hex[:12],
    )


@functools.cache
def boot_id() -> str:
    return BOOT_ID.read_text().strip() if BOOT_ID.exists() else str(int(psutil.boot_time()))


def process_start(pid: int) -> str | None:
    """When the process started, or None when it is gone or a zombie."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.NoSuchProcess:
        return None


def is_dead(owner: Owner, *, heartbeat_at: datetime | None, now: datetime, held_here: frozenset[str]) -> bool:
    """Whether the owner can no longer act.

    `held_here` are the tokens that this very process holds: a claim of ours that nobody holds was dropped by a crash
    of its thread.
    """
    if owner.node != settings.EGX_NODE:
        return heartbeat_at is None or (now - heartbeat_at).total_seconds() > settings.EGX_OWNER_STALE_SECONDS
    if owner.boot != boot_id():
        return True
    if owner.pid == os.getpid() and owner.started == process_start(owner.pid):
        return owner.token not in held_here
    return process_start(owner.pid) != owner.started
