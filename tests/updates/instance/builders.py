"""Databases and data directories as an EGX leaves them, for what works on files alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.updates.archives.builders import ID, store_in
from updates.archives.store import ArchiveStore
from updates.instance import restoring, writing
from updates.instance.databases import Database
from updates.instance.restoring import Restore

PASSPHRASE = "correct horse"
SCHEMA = """
CREATE TABLE gateways_gateway (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, fence INTEGER, generation INTEGER);
CREATE TABLE events_eventcounter (id INTEGER PRIMARY KEY AUTOINCREMENT, last INTEGER, first_kept INTEGER);
CREATE TABLE django_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, app TEXT, name TEXT);
INSERT INTO events_eventcounter (last, first_kept) VALUES (0, 1);
INSERT INTO django_migrations (app, name) VALUES ('gateways', '0001_initial');
"""


def make_database(path: Path, *, name: str, fence: int = 1, generation: int = 1, events: int = 10) -> None:
    """What matters of EGX's, with one gateway, in a log beside it as a killed EGX leaves it."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SCHEMA)
        database.execute(
            "INSERT INTO gateways_gateway (name, fence, generation) VALUES (?, ?, ?)", (name, fence, generation)
        )
        database.execute("UPDATE events_eventcounter SET last = ?", (events,))
        database.commit()


def name_in(path: Path) -> str:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return str(database.execute("SELECT name FROM gateways_gateway ORDER BY id").fetchone()[0])


def make_home(home: Path, *, name: str, key: bytes) -> None:
    home.mkdir(parents=True, exist_ok=True)
    make_database(home / "egx.sqlite3", name=name)
    (home / "secret_key").write_bytes(key)


def put_away(home: Path, *, passphrase: str = PASSPHRASE, store: ArchiveStore | None = None) -> ArchiveStore:
    """A backup of what is in this data directory, called ID."""
    place = store or store_in(home / "backups")
    writing.write(
        place,
        key=ID,
        home=home,
        database=Database(vendor="sqlite", name=str(home / "egx.sqlite3")),
        passphrase=passphrase,
        reason="for a test",
        versions={"egx": "0.1.0"},
        facts={"gateways": 1},
    )
    return place


def prepare(home: Path, *, passphrase: str = PASSPHRASE, known: bool = True, something_runs: bool = True) -> Restore:
    def judge(applied: set[tuple[str, str]]) -> None:
        if not known:
            raise ValueError(applied)

    return restoring.prepare(
        store_in(home / "backups"),
        ID,
        home=home,
        database=home / "egx.sqlite3",
        passphrase=passphrase,
        judge=judge,
        something_runs=something_runs,
    )
