"""Numbers that go on from where they are when an older database comes back.

Names of gateways outside the database, operations and events are never given twice; and engines that run refuse what
is older than what they have. So a database that is put back first learns how far the one that it replaces has come.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

JUMP = 1_000_000
"""Ahead by so much where nobody can say how far it had come: its database is damaged or gone."""


def carry_over(staged: Path, present: Path, *, something_runs: bool) -> None:
    """Raise the numbers of the database at `staged` above those of the one at `present`. Raises sqlite3.Error."""
    with closing(sqlite3.connect(staged, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        far = _numbers(present)
        if far is None:
            _jump(database, JUMP if something_runs else 0)
        else:
            _go_on(database, far)
        database.execute("COMMIT")


class _Far:
    """How far a database has come."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.gateways = {
            int(pk): (int(fence), int(generation))
            for pk, fence, generation in database.execute("SELECT id, fence, generation FROM gateways_gateway")
        }
        self.given = {
            str(table): int(last) for table, last in database.execute("SELECT name, seq FROM sqlite_sequence")
        }
        self.events = max((int(row[0]) for row in database.execute("SELECT last FROM events_eventcounter")), default=0)


def _numbers(present: Path) -> _Far | None:
    if not present.exists():
        return None
    try:
        with closing(sqlite3.connect(present)) as database:
            return _Far(database)
    except sqlite3.Error:
        return None


def _go_on(database: sqlite3.Connection, far: _Far) -> None:
    for pk, (fence, generation) in far.gateways.items():
        database.execute(
            "UPDATE gateways_gateway SET fence = max(fence, ?), generation = max(generation, ?) + 1 WHERE id = ?",
            (fence, generation, pk),
        )
    for table, last in far.given.items():
        changed = database.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (last, table))
        if not changed.rowcount:
            database.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last))
    # Whoever has read up to here must read everything anew: what was told since has not happened.
    database.execute("UPDATE events_eventcounter SET last = max(last, ?) + 1", (far.events,))
    database.execute("UPDATE events_eventcounter SET first_kept = last + 1")


def _jump(database: sqlite3.Connection, ahead: int) -> None:
    database.execute("UPDATE gateways_gateway SET fence = fence + ?, generation = generation + ?", (ahead, ahead))
    database.execute("UPDATE sqlite_sequence SET seq = seq + ?", (ahead,))
    database.execute("UPDATE events_eventcounter SET last = last + ?", (ahead + 1,))
    database.execute("UPDATE events_eventcounter SET first_kept = last + 1")
