"""A database as one file of a backup: by SQLite's own backup, or by `pg_dump`."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from egx_project.lib.errors import EgxError
from updates.archives.draft import Draft

SQLITE = "egx.sqlite3"
POSTGRESQL = "egx.pgdump"
"""What the dump is called inside a backup."""

SQLITE_SECONDS = 30.0
"""For what is locked: a copy that goes on is not ended."""
DUMP_SECONDS = 3600.0
LOCK_MILLISECONDS = 60_000
_SAID = 300


class DatabaseError(EgxError):
    """The database cannot be put away, or not be brought back."""

    title = "Database"


@dataclass(frozen=True)
class Database:
    """Where the rows are."""

    vendor: str
    name: str
    """SQLite: the file. PostgreSQL: the database."""
    host: str = ""
    port: str = ""
    user: str = ""
    password: str = field(default="", repr=False)


def database_of(settings: Mapping[str, Any], *, vendor: str) -> Database:
    """The one that Django's settings name."""
    return Database(
        vendor=vendor,
        name=str(settings["NAME"]),
        host=str(settings.get("HOST") or ""),
        port=str(settings.get("PORT") or ""),
        user=str(settings.get("USER") or ""),
        password=str(settings.get("PASSWORD") or ""),
    )


def dump(database: Database, draft: Draft) -> str:
    """Put the database, as of one moment, into the backup; which database made it. Raises DatabaseError."""
    if database.vendor == "sqlite":
        return _dump_sqlite(database.name, draft.target(SQLITE))
    if database.vendor == "postgresql":
        return _dump_postgresql(database, draft.target(POSTGRESQL), lock=draft.lock)
    raise DatabaseError(f"a {database.vendor} database cannot be backed up", hint="EGX can SQLite's and PostgreSQL's")


def _dump_sqlite(name: str, target: Path) -> str:
    address = name if name.startswith("file:") else f"file:{quote(name)}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy, progress=_until(time.monotonic() + SQLITE_SECONDS))
            make_single(copy)
            check(copy)
    except sqlite3.Error as error:
        raise DatabaseError(
            f"the database cannot be copied: {error}", hint="restore a backup: this one is lost"
        ) from error
    return f"SQLite {sqlite3.sqlite_version}"


def _until(deadline: float) -> Callable[[int, int, int], None]:
    """SQLite tries again for ever where somebody keeps the database locked."""

    def look(status: int, _remaining: int, _total: int) -> None:
        if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED} and time.monotonic() > deadline:
            raise DatabaseError("the database stays locked by another process", hint="try again later")

    return look


def make_single(database: sqlite3.Connection) -> None:
    """All of it in the one file: a copy that needs a log beside it could be moved without it."""
    database.execute("PRAGMA journal_mode=DELETE").fetchall()


def check(database: sqlite3.Connection) -> None:
    """Raises DatabaseError for a database that is damaged inside: its copy would be no good backup."""
    found = [str(row[0]) for row in database.execute("PRAGMA quick_check(1)")]
    if found != ["ok"]:
        raise DatabaseError(f"the database is damaged: {found[0][:_SAID]}", hint="restore a backup that is older")


def _dump_postgresql(database: Database, target: Path, *, lock: int) -> str:
    program = shutil.which("pg_dump")
    if program is None:
        raise DatabaseError(
            "pg_dump is not installed here, and a backup of a PostgreSQL database needs it",
            hint="install PostgreSQL's client programs, of the server's version or newer (Debian: postgresql-client)",
        )
    argv = [program, "--format=custom", "--no-password", f"--lock-wait-timeout={LOCK_MILLISECONDS}"]
    argv += [f"--file={target}"]
    for option, value in (("host", database.host), ("port", database.port), ("username", database.user)):
        argv += [f"--{option}={value}"] if value else []
    with tempfile.TemporaryDirectory(prefix="egx-pg-") as folder:
        argv += [f"--dbname={database.name}"]
        try:
            done = subprocess.run(
                argv,
                env=os.environ | _password(database, Path(folder)),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=DUMP_SECONDS,
                check=False,
                pass_fds=[lock],  # while it writes nobody may clean its folder away, though EGX be killed
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DatabaseError(f"pg_dump did not come to its end: {type(error).__name__}") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise DatabaseError(
            f"pg_dump failed: {lines[0][:_SAID] if lines else f'exit code {done.returncode}'}",
            hint="see that the database runs, and that pg_dump is not older than it",
        )
    return _version(program)


def _password(database: Database, folder: Path) -> dict[str, str]:
    """By a file that only its owner may read: arguments are seen by everybody on the host."""
    if not database.password:
        return {}
    file = folder / "pgpass"
    escaped = database.password.replace("\\", "\\\\").replace(":", "\\:")
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
        written.write(f"*:*:*:*:{escaped}\n")
    return {"PGPASSFILE": str(file)}


def _version(program: str) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.split()
    return f"PostgreSQL (pg_dump {said[2]})" if len(said) > 2 else "PostgreSQL"  # noqa: PLR2004
