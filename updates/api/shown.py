"""What the API shows of releases, backups, policies and soaks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from egx_project.rest.bodies import ApiModel
from egx_project.rest.listing import Listed
from updates.models import Backup, BackupState, ChannelCheck, Quarantine, Release, Soak, SoakState
from updates.services.checks import UpdateInfo
from updates.services.releases import ReleaseState, state_of, why


class ReleaseOut(ApiModel):
    engine: str
    version: str
    state: ReleaseState
    """`installed`: its bytes were pulled here before. `unavailable`: there is nothing for this platform.
    `moved`: its tag points at another digest than before, and nobody has accepted that."""
    date: datetime | None
    digest: str
    channel: str
    size: int
    notes: str
    notes_url: str
    reason: str
    """Why it is in quarantine, or where from and to its tag has moved."""
    pinned: str
    """The digest with which the channel offers it; `digest` is that of what was pulled."""
    signature: str
    """`signed`, `unsigned` (by its publisher) or `unverifiable`; empty where nobody has looked yet."""
    signature_reason: str


class ReleasesOut(Listed[ReleaseOut]):
    pass


class ChannelOut(ApiModel):
    channel: str
    asked_at: datetime | None
    answered_at: datetime | None
    """What is known is as of then."""
    problem: str


class ChannelsOut(ApiModel):
    items: list[ChannelOut]


class UpdateInfoOut(ApiModel):
    gateway: str
    current_version: str = Field(serialization_alias="currentVersion")
    latest_version: str = Field(serialization_alias="latestVersion")
    """The newest that the policy allows."""
    upgrade_available: bool = Field(serialization_alias="upgradeAvailable")
    release_notes: str = Field(serialization_alias="releaseNotes")
    download_url: str = Field(serialization_alias="downloadUrl")
    why_not: str = Field(serialization_alias="whyNot")
    """Why there is a newer one that may not be applied."""
    checked_at: datetime | None = Field(serialization_alias="checkedAt")
    problem: str
    """Why the channel could not be asked last time."""


class BackupOut(ApiModel):
    id: str
    kind: str
    gateway: str
    reason: str
    state: BackupState
    problem: str
    engine_version: str
    size: int
    pinned: bool
    created_at: datetime
    drilled_at: datetime | None


class BackupsOut(Listed[BackupOut]):
    pass


class SoakOut(ApiModel):
    operation: int
    state: SoakState
    reason: str
    old_slot: str
    old_version: str
    new_slot: str
    new_version: str
    baseline: dict[str, Any]
    seen: dict[str, Any]
    switched_at: datetime
    ends_at: datetime
    warm_until: datetime
    over_at: datetime | None


def release_out(release: Release, quarantine: Quarantine | None) -> ReleaseOut:
    return ReleaseOut.model_construct(
        engine=release.channel,
        version=release.version,
        state=state_of(release, quarantine),
        date=release.published_at,
        digest=release.digest,
        channel=release.channel,
        size=release.size,
        notes=release.notes,
        notes_url=release.notes_url,
        reason=why(release, quarantine),
        pinned=release.pinned,
        signature=release.signature,
        signature_reason=release.signature_reason,
    )


def channel_out(row: ChannelCheck) -> ChannelOut:
    return ChannelOut(channel=row.channel, asked_at=row.asked_at, answered_at=row.answered_at, problem=row.problem)


def info_out(info: UpdateInfo) -> UpdateInfoOut:
    latest = info.latest
    return UpdateInfoOut(
        gateway=info.gateway,
        current_version=info.current,
        latest_version=latest.version if latest else info.current,
        upgrade_available=info.upgrade_available,
        release_notes=(latest.notes or latest.notes_url) if latest else "",
        download_url=latest.url if latest else "",
        why_not=info.why_not,
        checked_at=info.checked_at,
        problem=info.problem,
    )


def backup_out(row: Backup) -> BackupOut:
    return BackupOut.model_construct(
        id=row.key,
        kind=row.kind,
        gateway=row.gateway_name,
        reason=row.reason,
        state=BackupState(row.state),
        problem=row.problem,
        engine_version=row.engine_version,
        size=row.size,
        pinned=row.pinned,
        created_at=row.created_at,
        drilled_at=row.drilled_at,
    )


def soak_out(soak: Soak) -> SoakOut:
    return SoakOut.model_construct(
        operation=soak.operation_id,
        state=SoakState(soak.state),
        reason=soak.reason,
        old_slot=soak.old_slot,
        old_version=soak.old_version,
        new_slot=soak.new_slot,
        new_version=soak.new_version,
        baseline=soak.baseline,
        seen=soak.seen,
        switched_at=soak.switched_at,
        ends_at=soak.ends_at,
        warm_until=soak.warm_until,
        over_at=soak.over_at,
    )
