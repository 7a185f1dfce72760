"""Releases as people see them, and putting one away by hand."""

from __future__ import annotations

from typing import Literal

from django.db import transaction
from django.db.models import Case, IntegerField, OuterRef, QuerySet, Subquery, Value, When

from egx_project.lib.errors import BadInputError, NotFoundError
from updates import compat
from updates import quarantine as quarantining
from updates.models import Quarantine, Release

ReleaseState = Literal["known", "installed", "quarantined", "moved", "yanked", "unavailable"]


def state_of(release: Release, quarantine: Quarantine | None) -> ReleaseState:
    if quarantine:
        return "quarantined"
    if release.moved_from:
        return "moved"
    if release.yanked:
        return "yanked"
    if release.digest:
        return "installed"
    return "known" if release.url else "unavailable"


def why(release: Release, quarantine: Quarantine | None) -> str:
    """Why nothing puts it to use; empty where something may."""
    if quarantine:
        return quarantine.reason
    if release.moved_from:
        return f"its tag has moved, from {release.moved_from} to {release.pinned}: accept that, or leave it"
    return ""


def ordered() -> QuerySet[Release]:
    """By channel, and the newest version first, each with `why` it is in quarantine."""
    rows = sorted(
        Release.objects.values_list("pk", "channel", "version"),
        key=lambda row: compat.parse(row[2]) or compat.LEAST,
        reverse=True,
    )
    order = Case(*(When(pk=row[0], then=Value(place)) for place, row in enumerate(rows)), default=Value(0),
                 output_field=IntegerField())  # fmt: skip
    reason = Quarantine.objects.filter(channel=OuterRef("channel"), version=OuterRef("version")).values("reason")
    return Release.objects.annotate(why=Subquery(reason), place=order).order_by("channel", "place")


def quarantine_of(release: Release) -> Quarantine | None:
    """Of a release read by `ordered`."""
    reason: str | None = release.why  # type: ignore[attr-defined]
    return None if reason is None else Quarantine(channel=release.channel, version=release.version, reason=reason)


def quarantine(*, channel: str, version: str, reason: str, by: str) -> None:
    """Let nothing put the version to use. Raises NotFoundError for one that nobody has offered, BadInputError."""
    if not reason.strip():
        raise BadInputError("a quarantine needs a reason", hint="say why, for whoever may lift it")
    release = Release.objects.filter(channel=channel, version=version).first()
    if release is None:
        raise NotFoundError(f"channel {channel} has no {version}", hint="`egx get releases` lists what it has")
    with transaction.atomic():
        quarantining.put_in(
            channel=channel, version=version, digest=release.digest, reason=f"{by}: {reason}", operation=None
        )
