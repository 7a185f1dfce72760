"""Backups on demand, the catalogue, and what may go."""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import BinaryIO

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from deployments.drivers.base import Engine
from deployments.models import Slot, SlotState
from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from egx_project.lib.errors import ConflictError
from egx_project.version import version
from gateways.models import Gateway
from updates import backups
from updates.archives.errors import ArchiveError
from updates.archives.manifest import BackupManifest, new_id
from updates.archives.packing import Limits, pack, unpack
from updates.archives.retention import Kept, to_remove
from updates.instance import writing
from updates.instance.databases import database_of
from updates.models import Backup, BackupState
from updates.services.policies import policy_of

LARGEST_BYTES = 2 * 1024**3
MOST_FILES = 10_000


def back_up(*, gateway: Gateway, by: str, reason: str = "") -> Backup:
    """A backup of the gateway as it is desired now. Raises NoSpaceError."""
    serving = Slot.objects.filter(gateway=gateway, state=SlotState.SERVING).first()
    manifest = backups.write_backup(
        gateway,
        key=fresh_key(),
        reason=reason or f"asked for by {by}",
        engine=Engine(serving.version, serving.digest) if serving else Engine(gateway.engine_version),
    )
    with transaction.atomic():
        row = backups.note(manifest, gateway=gateway)
    prune(gateway)
    return row


def back_up_instance(*, by: str, reason: str = "") -> Backup:
    """A backup of all that EGX knows. Raises DatabaseError, NoSpaceError."""
    manifest = writing.write(
        backups.store(),
        key=fresh_key(),
        home=settings.EGX_DATA_DIR,
        database=database_of(connection.settings_dict, vendor=connection.vendor),
        passphrase=settings.EGX_BACKUP_PASSPHRASE,
        reason=reason or f"asked for by {by}",
        versions={"egx": version(), "python": platform.python_version(), "envoy": settings.EGX_ENVOY_VERSION},
        facts={"gateways": Gateway.objects.count()},
    )
    with transaction.atomic():
        row = backups.note(manifest, gateway=None)
    prune_instance()
    return row


def prune_instance() -> list[str]:
    """Remove the backups of the instance that EGX_BACKUPS_KEPT does not keep; the keys."""
    return _prune(Backup.objects.filter(kind="instance"), keep=settings.EGX_BACKUPS_KEPT)


def fresh_key() -> str:
    return new_id(timezone.now())


def prune(gateway: Gateway) -> list[str]:
    """Remove what the gateway's policy does not keep; the keys."""
    return _prune(Backup.objects.filter(gateway=gateway), keep=policy_of(gateway).keep_backups)


def _prune(rows: QuerySet[Backup], *, keep: int) -> list[str]:
    kept = [Kept(row.key, row.created_at, row.state == BackupState.GOOD, row.pinned) for row in rows]
    gone = to_remove(kept, keep=keep, now=timezone.now())
    for key in gone:
        remove(key=key, by="retention")
    return gone


def remove(*, key: str, by: str) -> None:
    """Raises NotFoundError, and ConflictError for the last good one of its gateway, or of the instance."""
    row = backups.find(key)
    others = Backup.objects.filter(
        kind=row.kind, gateway=row.gateway, gateway_name=row.gateway_name, state=BackupState.GOOD
    )
    needed = row.gateway is not None or row.kind == "instance"
    if row.state == BackupState.GOOD and needed and not others.exclude(key=key).exists():
        what = row.gateway_name or "the whole instance"
        raise ConflictError(f"{key} is the last good backup of {what}", hint="make another one first")
    if row.pinned:
        raise ConflictError(f"{key} is pinned", hint="unpin it first")
    backups.store().remove(key)
    with transaction.atomic():
        row.delete()
        record(EventKind.BACKUP_REMOVED, f"gateway/{row.gateway_name}" if row.gateway_name else "instance/egx",
               backup=key, by=by)  # fmt: skip


def verify(key: str) -> list[str]:
    """What is wrong with the backup's files; the catalogue takes it over."""
    problems = backups.store().verify(key)
    state = BackupState.GOOD if not problems else BackupState.DAMAGED
    Backup.objects.filter(key=key).update(state=state, problem="; ".join(problems)[:1000])
    return problems


def recatalogue() -> tuple[int, int]:
    """Make the catalogue what the disk says: (found, gone)."""
    store, found, gone = backups.store(), 0, 0
    store.remove_unfinished()
    there = set(store.ids())
    for key in there:
        try:
            manifest = store.read(key)
        except ArchiveError as error:
            Backup.objects.filter(key=key).update(state=BackupState.DAMAGED, problem=error.message)
            continue
        known = Backup.objects.filter(key=key).exists()
        with transaction.atomic():
            backups.note(manifest, gateway=gateway_of(manifest))
        verify(key)
        found += not known
    for row in Backup.objects.exclude(key__in=there).exclude(state=BackupState.MISSING):
        row.state, row.problem = BackupState.MISSING, "its files are not on this disk"
        row.save(update_fields=["state", "problem"])
        gone += 1
    return found, gone


def gateway_of(manifest: BackupManifest) -> Gateway | None:
    """Whose backup it is, if that gateway is there."""
    kind, _, place = manifest.subject.partition("/")
    namespace, _, name = place.rpartition("/")
    return Gateway.objects.filter(namespace=namespace or "default", name=name).first() if kind == "gateway" else None


def download(key: str, to: BinaryIO) -> None:
    pack(backups.store(), backups.find(key).key, to)


def upload(source: BinaryIO, *, condition: Callable[[BackupManifest], object] = lambda _: None) -> Backup:
    """Take a packed backup in. Raises ArchiveError for what is none, NoSpaceError, and what `condition` raises."""
    limits = Limits(bytes=LARGEST_BYTES, files=MOST_FILES)
    manifest = unpack(source, backups.store(), limits=limits, condition=condition)
    with transaction.atomic():
        return backups.note(manifest, gateway=gateway_of(manifest))
