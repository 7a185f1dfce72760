"""What a gateway's backup holds, and the catalogue's line of it. For steps and services alike."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.forms.models import model_to_dict

from deployments.drivers.base import Engine
from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from egx_project.lib.clock import SystemClock
from egx_project.lib.errors import NotFoundError
from egx_project.version import version
from gateways.manifests.reader import Source, read
from gateways.manifests.writer import write
from gateways.models import Backend, Gateway
from gateways.spec.base import ManifestObject
from updates.archives.errors import ArchiveError
from updates.archives.manifest import BackupManifest
from updates.archives.store import ArchiveStore
from updates.models import Backup, UpdatePolicy

DESIRED = "gateway.yaml"
POLICY = "policy.json"


def store() -> ArchiveStore:
    return ArchiveStore(settings.EGX_DATA_DIR / "backups", clock=SystemClock())


def objects_of(gateway: Gateway) -> list[ManifestObject]:
    """The gateway, its routes, and the backends of these."""
    routes = list(gateway.routes.order_by("kind", "namespace", "name"))
    backends = Backend.objects.filter(routes__in=routes).distinct()
    return [gateway.as_object(), *(route.as_object() for route in routes), *(one.as_object() for one in backends)]


def write_backup(gateway: Gateway, *, key: str, reason: str, engine: Engine) -> BackupManifest:
    """The backup of this key, made unless it is there already. Raises ArchiveError, NoSpaceError."""
    place = store()
    made = place.find(key)
    if made is not None:
        return made
    with place.writing(
        archive_id=key,
        kind="gateway",
        subject=f"gateway/{gateway.place}",
        reason=reason,
        versions={"egx": version(), "engine": engine.version, "digest": engine.digest},
        facts={"generation": gateway.generation, "target": gateway.target.name},
    ) as draft:
        draft.write_bytes(DESIRED, write(objects_of(gateway)).encode())
        draft.write_json(POLICY, policy_json(gateway))
    return place.read(key)


def policy_json(gateway: Gateway) -> dict[str, Any]:
    """The gateway's policy as its row says; nothing where it has the defaults."""
    row = UpdatePolicy.objects.filter(gateway=gateway).first()
    if row is None:
        return {}
    found = model_to_dict(row, exclude=["id", "gateway"])
    return {field: value.isoformat() if hasattr(value, "isoformat") else value for field, value in found.items()}


def desired_in(key: str) -> list[ManifestObject]:
    """The objects in a gateway's backup. Raises ArchiveError."""
    text = store().open(key, DESIRED).decode()
    found = read([Source(name=f"{key}/{DESIRED}", text=text)])
    if found.unsupported:
        raise ArchiveError(f"backup {key} has {found.unsupported[0].ref}, which this EGX cannot read")
    return list(found.objects)


def note(manifest: BackupManifest, *, gateway: Gateway | None, operation: int | None = None) -> Backup:
    """The catalogue's line; in the caller's transaction."""
    name = manifest.subject.partition("/")[2] if manifest.kind == "gateway" else ""
    row, made = Backup.objects.update_or_create(
        key=manifest.id,
        defaults={
            "kind": manifest.kind,
            "gateway": gateway,
            "gateway_name": name,
            "reason": manifest.reason[:200],
            "engine_version": manifest.versions.get("engine", ""),
            "size": sum(file.size for file in manifest.files),
            "state": "good",
            "problem": "",
            "created_at": manifest.created_at,
        },
    )
    if made:
        record(
            EventKind.BACKUP_MADE,
            manifest.subject,
            operation=operation,
            backup=row.key,
            reason=row.reason,
        )
    return row


def find(key: str) -> Backup:
    row = Backup.objects.filter(key=key).first()
    if row is None:
        raise NotFoundError(f"there is no backup {key}", hint="`egx get backups` lists them")
    return row
