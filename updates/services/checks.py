"""What the channels offer, as rows; and what of it a gateway may have."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from deployments.models import Slot, SlotState
from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from egx_project.lib.errors import BadInputError, EgxError
from gateways.models import Gateway, Target
from updates import compat, ledger, opening
from updates.channels import registry
from updates.channels.base import Listing, Offer
from updates.models import ChannelCheck, Mode, Quarantine, Release, UpdatePolicy
from updates.services.policies import policy_of, usual_policy

JITTER = 0.1
"""Of the time between two checks: not everybody's at the same minute."""


@dataclass(frozen=True)
class UpdateInfo:
    """Of one gateway."""

    gateway: str
    current: str
    latest: Release | None
    """The newest that its policy allows; the current one where there is no newer."""
    upgrade_available: bool
    why_not: str
    """Why the newest of all is not what may be applied, where that is so."""
    checked_at: datetime | None
    problem: str
    """Why the channel could not be asked last time; what is said is as of `checked_at`."""
    told: bool = True
    """The policy lets people be told of updates."""


def check(channel: str) -> ChannelCheck:
    """Ask the channel now. What it cannot say is written down with the reason, not raised."""
    if channel not in registry.CHANNELS:
        raise BadInputError(f"there is no channel {channel}", hint=f"there are: {', '.join(registry.CHANNELS)}")
    asked_at = timezone.now()
    try:
        listing = opening.channel(channel).list()
    except EgxError as error:
        listing = Listing(problem=str(error))
    with transaction.atomic():
        if listing.offers:
            _write(channel, listing.offers)
            ledger.note(channel, listing.sightings)
        facts = {"asked_at": asked_at, "problem": listing.problem}
        if listing.fetched_at:
            facts["answered_at"] = listing.fetched_at
        row, _ = ChannelCheck.objects.update_or_create(channel=channel, defaults=facts)
        record(EventKind.CHANNEL_ASKED, f"channel/{channel}", problem=listing.problem)
    return row


def _write(channel: str, offers: Sequence[Offer]) -> None:
    known = {release.version: release for release in Release.objects.filter(channel=channel)}
    first_time = not known
    for offer in reversed(offers):
        facts = {
            "published_at": offer.published_at,
            "yanked": offer.yanked,
            "notes": offer.notes,
            "notes_url": offer.notes_url,
            "url": offer.artifact.url if offer.artifact else "",
            "sha256": offer.artifact.sha256 if offer.artifact else "",
            "size": offer.artifact.size if offer.artifact else 0,
        }
        Release.objects.update_or_create(channel=channel, version=offer.version, defaults=facts)
        if offer.version not in known and not first_time:
            record(EventKind.RELEASE_FOUND, f"release/{channel}/{offer.version}")
            _tell_gateways(channel, offer.version)
    gone = set(known) - {offer.version for offer in offers}
    Release.objects.filter(channel=channel, version__in=gone).update(yanked=True)


def _tell_gateways(channel: str, version: str) -> None:
    for gateway in Gateway.objects.select_related("update_policy"):
        policy = policy_of(gateway)
        if policy.channel == channel and policy.mode != Mode.OFF:
            info = update_info(gateway)
            if info.upgrade_available and info.latest and info.latest.version == version:
                record(EventKind.UPDATE_AVAILABLE, f"gateway/{gateway.place}", version=version, current=info.current)


def check_due(*, now: datetime | None = None) -> list[ChannelCheck]:
    """Ask the channels whose time has come."""
    if not settings.EGX_CHECK_SECONDS:
        return []
    now = now or timezone.now()
    pause = timedelta(seconds=settings.EGX_CHECK_SECONDS * random.uniform(1 - JITTER, 1))  # noqa: S311
    shortest = UpdatePolicy.objects.order_by("check_seconds").values_list("check_seconds", flat=True).first()
    if shortest:
        pause = min(pause, timedelta(seconds=shortest))
    fresh = ChannelCheck.objects.filter(asked_at__gt=now - pause).values_list("channel", flat=True)
    return [check(name) for name in _wanted() if name not in set(fresh)]


def _wanted() -> list[str]:
    """The channels that somebody here has a use for."""
    used = {registry.ENVOY, *UpdatePolicy.objects.values_list("channel", flat=True)}
    used |= {registry.usual(kind) for kind in Target.objects.values_list("kind", flat=True)}
    if settings.EGX_OWN_INDEX:
        used.add(registry.EGX)
    return [name for name in registry.CHANNELS if name in used]


def current_version(gateway: Gateway) -> str:
    """Of the engine that serves; of the one that is wanted where none does."""
    serving = Slot.objects.filter(gateway=gateway, state=SlotState.SERVING).first()
    return serving.version if serving else gateway.engine_version


def offered(channel: str) -> list[Release]:
    """What there is for this platform, not taken back, and not under a tag that has moved."""
    return list(Release.objects.filter(channel=channel, yanked=False, moved_from="").exclude(url=""))


def quarantined(channel: str) -> set[str]:
    return set(Quarantine.objects.filter(channel=channel).values_list("version", flat=True))


def update_info(gateway: Gateway, *, before: datetime | None = None) -> UpdateInfo:
    """What the rows say; asks no channel. With `before`, of releases that were out by then."""
    return update_infos([gateway], before=before)[gateway.pk]


def update_infos(gateways: Sequence[Gateway], *, before: datetime | None = None) -> dict[int, UpdateInfo]:
    """The same of many, by primary key, in a number of queries that does not grow with them."""
    own = {policy.gateway_id: policy for policy in UpdatePolicy.objects.filter(gateway__in=gateways)}
    serving = dict(
        Slot.objects.filter(gateway__in=gateways, state=SlotState.SERVING).values_list("gateway_id", "version")
    )
    kinds = dict(Target.objects.filter(gateways__in=gateways).values_list("pk", "kind"))
    policies = {
        gateway.pk: own.get(gateway.pk) or usual_policy(gateway, kind=kinds[gateway.target_id]) for gateway in gateways
    }
    known = {name: _known(name, before) for name in {policy.channel for policy in policies.values()}}
    return {
        gateway.pk: _info(gateway, policies[gateway.pk], current=serving.get(gateway.pk, gateway.engine_version),
                          known=known[policies[gateway.pk].channel])
        for gateway in gateways
    }  # fmt: skip


@dataclass(frozen=True)
class _Known:
    """What the rows say of a channel."""

    releases: list[Release]
    bad: set[str]
    checked: ChannelCheck | None


def _known(channel: str, before: datetime | None) -> _Known:
    releases = offered(channel)
    if before is not None:
        releases = [release for release in releases if (release.published_at or release.seen_at) <= before]
    return _Known(releases, quarantined(channel), ChannelCheck.objects.filter(channel=channel).first())


def _info(gateway: Gateway, policy: UpdatePolicy, *, current: str, known: _Known) -> UpdateInfo:
    fitting = [
        release
        for release in known.releases
        if not compat.why_not(current, release.version, skip_minor=policy.skip_minor, downgrade=True)
    ]
    newest = partial(compat.newest, prereleases=policy.prereleases, allowed=policy.versions, without=known.bad)
    latest, best = newest(fitting), newest(known.releases)
    newer = latest is not None and _is_newer(latest.version, current)
    skipped = best is not None and best != latest and _is_newer(best.version, current)
    why = compat.why_not(current, best.version, skip_minor=policy.skip_minor) if best and skipped else ""
    return UpdateInfo(
        gateway=gateway.place,
        current=current,
        latest=latest if newer else next((one for one in known.releases if one.version == current), None),
        upgrade_available=newer,
        why_not=why,
        checked_at=known.checked.answered_at if known.checked else None,
        problem=known.checked.problem if known.checked else "",
        told=policy.mode != Mode.OFF,
    )


def _is_newer(version: str, current: str) -> bool:
    then, now = compat.parse(version), compat.parse(current)
    return then is not None and (now is None or then > now)
