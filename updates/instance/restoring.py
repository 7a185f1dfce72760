"""A backup of the whole instance put in the place of what is here, whatever is killed meanwhile.

First everything new is written beside what it replaces; then `restoring.json` says so, and from there on it is done by
whoever comes next: before it, all is as it was, and after it all is as in the backup. What was there is renamed, and
stays.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from egx_project.lib import atomic
from egx_project.lib.errors import BadInputError
from updates.archives.errors import ArchiveError
from updates.archives.store import ArchiveStore
from updates.instance import databases, numbers, secret

BEGUN = "restoring.json"
DONE = "restored.json"
"""Until `egx up` has brought what runs in line."""
NEW = ".restoring"
LOGS = ("", "-wal", "-shm")
"""A SQLite database is these files."""

Judge = Callable[[set[tuple[str, str]]], None]
"""Raises where the migrations of the database in the backup are none that this EGX knows."""


@dataclass(frozen=True)
class Restore:
    backup: str
    database: str
    """The file that is replaced."""
    aside: str
    """What the database is called that was there before; empty where there was none."""
    key: bool
    """Whether the instance's own key comes from the backup, too."""
    key_aside: str
    """What the key is called that was there before; empty where it stays, or is the same."""


def prepare(
    store: ArchiveStore, key: str, *, home: Path, database: Path, passphrase: str, judge: Judge, something_runs: bool
) -> Restore:
    """Write everything new, and at last that it is to be put in place.

    The caller holds the data directory's lock. Raises NotFoundError, ArchiveError for a backup that is damaged,
    BadInputError for one that cannot be restored here, NoSpaceError; all is as it was then.
    """
    manifest = store.read(key)
    if problems := store.verify(key):
        raise ArchiveError(f"backup {key} is damaged: {problems[0]}", hint="restore another one", problems=problems)
    if manifest.entry(databases.SQLITE) is None:
        raise BadInputError(
            f"backup {key} is of a PostgreSQL database, which EGX does not put back by itself",
            hint=f"use `pg_restore` with {store.folder / key / databases.POSTGRESQL}; docs/backups.md says how",
        )
    own_key = secret.unseal(store, key, passphrase=passphrase)
    staged = _beside(database)
    staged.unlink(missing_ok=True)
    store.extract(key, databases.SQLITE, staged)
    _make_ready(staged, database, judge, something_runs=something_runs)
    if own_key is not None:
        atomic.write_bytes(_beside(home / secret.FILE), own_key)
    restore = Restore(
        backup=key,
        database=str(database),
        aside=_free_name(database, key, LOGS) if any(map(os.path.lexists, _files(database))) else "",
        key=own_key is not None,
        key_aside=_name_of_old_key(home / secret.FILE, own_key, key),
    )
    atomic.write_json(home / BEGUN, asdict(restore))
    return restore


def _make_ready(staged: Path, present: Path, judge: Judge, *, something_runs: bool) -> None:
    try:
        with closing(sqlite3.connect(staged)) as database:
            databases.check(database)
            judge({(str(app), str(name)) for app, name in database.execute("SELECT app, name FROM django_migrations")})
        numbers.carry_over(staged, present, something_runs=something_runs)
    except sqlite3.Error as error:
        raise databases.DatabaseError(f"the database in the backup cannot be used: {error}") from error
    with staged.open("rb") as file:
        os.fsync(file.fileno())


def finish(home: Path) -> Restore | None:
    """Put in place what was prepared; nothing where nothing was. The caller holds the data directory's lock.

    Each part may have been done before, by a process that was killed.
    """
    begun = atomic.read_json(home / BEGUN)
    if begun is None:
        for file in (databases.SQLITE, secret.FILE):  # of a preparation that did not come to its end
            _beside(home / file).unlink(missing_ok=True)
        return None
    restore = Restore(**begun)
    database = Path(restore.database)
    if (staged := _beside(database)).exists():  # else it is in place already, and what is there is the new one
        _put_aside(database, restore.aside)
        staged.replace(database)
        atomic.sync_folder(database.parent)
    _place_key(home, restore)
    atomic.write_json(home / DONE, asdict(restore))
    (home / BEGUN).unlink(missing_ok=True)
    atomic.sync_folder(home)
    return restore


def _put_aside(database: Path, aside: str) -> None:
    """The log goes with its database: a log that stayed would be taken for the new one's."""
    for file, log in zip(_files(database), LOGS, strict=True):
        with contextlib.suppress(FileNotFoundError):
            file.rename(f"{aside}{log}")
    atomic.sync_folder(database.parent)


def _place_key(home: Path, restore: Restore) -> None:
    """There is a key at every moment: EGX would make another one where there is none."""
    file, staged = home / secret.FILE, _beside(home / secret.FILE)
    if not restore.key or not staged.exists():
        return
    if restore.key_aside:
        atomic.write_new(Path(restore.key_aside), file.read_bytes())
    staged.replace(file)
    atomic.sync_folder(home)


def settled(home: Path) -> None:
    """What runs is in line with the database again."""
    (home / DONE).unlink(missing_ok=True)
    atomic.sync_folder(home)


def unsettled(home: Path) -> Restore | None:
    """The restore after which what runs is not in line with the database yet."""
    done = atomic.read_json(home / DONE)
    return Restore(**done) if done else None


def _beside(file: Path) -> Path:
    return file.with_name(file.name + NEW)


def _files(database: Path) -> list[Path]:
    return [database.with_name(database.name + log) for log in LOGS]


def _name_of_old_key(file: Path, new: bytes | None, key: str) -> str:
    if new is None or not file.exists() or file.read_bytes() == new:
        return ""
    return _free_name(file, key, ("",))


def _free_name(file: Path, key: str, parts: Sequence[str]) -> str:
    base = f"{file}.before-{key}"
    name, number = base, 1
    while any(os.path.lexists(f"{name}{part}") for part in parts):
        number += 1
        name = f"{base}-{number}"
    return name
