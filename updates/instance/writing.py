"""A backup of the whole instance: its database, and its key where a passphrase seals it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from updates.archives.manifest import BackupManifest, Fact
from updates.archives.store import ArchiveStore
from updates.instance import databases, secret
from updates.instance.databases import Database

SUBJECT = "instance/egx"


def write(
    store: ArchiveStore,
    *,
    key: str,
    home: Path,
    database: Database,
    passphrase: str,
    reason: str,
    versions: Mapping[str, str],
    facts: Mapping[str, Fact],
) -> BackupManifest:
    """Write it. What else lies in the data directory is made anew (engines, running gateways) or is a log.

    Raises DatabaseError, NoSpaceError, ConflictError.
    """
    with store.writing(
        archive_id=key,
        kind="instance",
        subject=SUBJECT,
        reason=reason,
        versions=versions,
        facts={**facts, "vendor": database.vendor},
    ) as draft:
        draft.facts["database"] = databases.dump(database, draft)
        secret.seal(home, draft, passphrase=passphrase)
    return draft.manifest
