"""What tags have ever pointed at. A tag that moves is an alarm, until somebody accepts where it points now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from egx_project.lib.errors import NotFoundError
from updates.channels.base import Sighting
from updates.models import Release, SeenDigest


def note(channel: str, sightings: Sequence[Sighting], *, now: datetime | None = None) -> None:
    """Write down what a channel has just seen; the rows of its releases are there already."""
    now = now or timezone.now()
    tags = {seen.tag for seen in sightings}
    with transaction.atomic():
        known: dict[tuple[str, str], list[SeenDigest]] = defaultdict(list)
        for line in SeenDigest.objects.filter(tag__in=tags):
            known[line.repository, line.tag].append(line)
        for seen in sightings:
            _note(channel, seen, known[seen.repository, seen.tag], now)


def _note(channel: str, seen: Sighting, lines: Sequence[SeenDigest], now: datetime) -> None:
    line = next((line for line in lines if line.digest == seen.digest), None)
    if line is None:
        line = SeenDigest(
            channel=channel, repository=seen.repository, tag=seen.tag, digest=seen.digest, first_seen=now,
            accepted=not lines,
        )  # fmt: skip
    was_new = line.pk is None
    line.last_seen = now
    line.save()
    accepted = [each for each in lines if each.accepted]
    before = "" if line.accepted or not accepted else max(accepted, key=lambda each: each.last_seen).digest
    release = Release.objects.filter(channel=channel, version=seen.tag.removeprefix("v")).first()
    if release is None or (release.moved_from == before and not (was_new and before)):
        return
    Release.objects.filter(pk=release.pk).update(moved_from=before)
    if before:
        subject = f"release/{channel}/{release.version}"
        record(EventKind.RELEASE_MOVED, subject, tag=seen.tag, was=before, now=seen.digest)


def is_accepted(*, repository: str, tag: str, digest: str) -> bool:
    """Whether the tag may mean the digest: as it always did, or as somebody has accepted; or nobody knows the tag."""
    lines = SeenDigest.objects.filter(repository=repository, tag=tag)
    return lines.filter(digest=digest, accepted=True).exists() or not lines.exists()


def accept(*, channel: str, version: str, digest: str, by: str) -> None:
    """Let the version be what its tag points at now. Raises NotFoundError where it does not point at this digest."""
    with transaction.atomic():
        release = Release.objects.filter(channel=channel, version=version).first()
        line = SeenDigest.objects.filter(channel=channel, tag=f"v{version}", digest=digest).first()
        if release is None or line is None or f"sha256:{release.sha256}" != digest:
            raise NotFoundError(
                f"{channel} {version} is not offered with digest {digest[:80]}",
                hint="`egx get releases` shows what it is offered with",
            )
        SeenDigest.objects.filter(pk=line.pk).update(accepted=True, accepted_by=by)
        # What was pulled before is another thing than what may be pulled now.
        Release.objects.filter(pk=release.pk).update(moved_from="", digest="", signature="", signature_reason="")
        record(EventKind.RELEASE_ACCEPTED, f"release/{channel}/{version}", digest=digest, by=by)
