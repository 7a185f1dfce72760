"""The instance's own key in a backup: sealed with the passphrase, or left out."""

from __future__ import annotations

from pathlib import Path

from updates.archives import vault
from updates.archives.draft import Draft
from updates.archives.store import ArchiveStore

FILE = "secret_key"
"""Below the data directory."""
SEALED = "secret_key.sealed"
"""Inside a backup."""
FACT = "secret_key"


def seal(home: Path, draft: Draft, *, passphrase: str) -> None:
    """Put it into the backup, sealed. Where it is left out, the manifest says why."""
    file = home / FILE
    if not file.is_file():
        draft.facts[FACT] = "left out: this EGX's key is not kept in a file"
    elif not passphrase:
        draft.facts[FACT] = "left out: EGX_BACKUP_PASSPHRASE was not set"
    else:
        sealed = vault.seal(
            file.read_bytes(), passphrase=passphrase.encode(), context=vault.context_of(draft.id, SEALED)
        )
        draft.write_bytes(SEALED, sealed)
        draft.facts[FACT] = "sealed with EGX_BACKUP_PASSPHRASE"


def unseal(store: ArchiveStore, key: str, *, passphrase: str) -> bytes | None:
    """The key in the backup; None where it has none or nobody gives a passphrase.

    Raises ArchiveError where the passphrase is another one.
    """
    if not passphrase or store.read(key).entry(SEALED) is None:
        return None
    return vault.unseal(store.open(key, SEALED), passphrase=passphrase.encode(), context=vault.context_of(key, SEALED))
