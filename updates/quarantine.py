"""Versions that failed here. Rows and events, for steps and services alike."""

from __future__ import annotations

from django.db import transaction

from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from egx_project.lib.errors import NotFoundError
from updates.models import Quarantine


def put_in(*, channel: str, version: str, digest: str, reason: str, operation: int | None) -> None:
    """Put the version in quarantine; one that is there keeps its first reason."""
    with transaction.atomic():
        facts = {"digest": digest, "reason": reason[:1000], "operation": operation}
        row, made = Quarantine.objects.get_or_create(channel=channel, version=version, defaults=facts)
        if made:
            record(EventKind.RELEASE_QUARANTINED, f"release/{channel}/{version}", reason=row.reason)


def lift(*, channel: str, version: str, by: str) -> None:
    """Let the version be used again. Raises NotFoundError where it is not in quarantine."""
    with transaction.atomic():
        gone, _ = Quarantine.objects.filter(channel=channel, version=version).delete()
        if not gone:
            raise NotFoundError(f"{channel} {version} is not in quarantine", hint="`egx get releases` shows what is")
        record(EventKind.QUARANTINE_LIFTED, f"release/{channel}/{version}", by=by)
