"""Which backups may go: decided here, done elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Kept:
    id: str
    created_at: datetime
    good: bool
    """Verified when last looked at."""
    pinned: bool = False
    """Somebody said that it stays."""


def to_remove(backups: Sequence[Kept], *, keep: int, now: datetime) -> list[str]:
    """The ids of those that may go, the oldest first.

    The newest `keep` good ones stay, and of the good ones always the last; pinned ones stay, and count. A bad one
    goes once there is a newer good one. One that claims to be from the future, by a clock that was wrong, stays and
    counts for nothing: it would pass for the newest for ever.
    """
    past = sorted((backup for backup in backups if backup.created_at <= now), key=lambda one: (one.created_at, one.id))
    good = [backup for backup in past if backup.good]
    if not good:
        return []
    stay = {backup.id for backup in good[-max(keep, 1) :]}
    return [
        backup.id
        for backup in past
        if not backup.pinned and backup.id not in stay and (backup.good or backup.created_at < good[-1].created_at)
    ]
