"""A database in PostgreSQL is put away by `pg_dump`, and comes back by `pg_restore`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.requirements import require
from tests.services.machines import PostgreSQL, missing
from tests.updates.archives.builders import ID, store_in
from updates.archives.store import ArchiveStore
from updates.instance import writing
from updates.instance.databases import Database, DatabaseError

pytestmark = pytest.mark.services

PASSWORD = "a: secret\\ word"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    why = missing()
    require("services", present=not why, why=why)
    absent = [name for name in ("pg_dump", "pg_restore", "createdb") if shutil.which(name) is None]
    require("services", present=not absent, why=f"{', '.join(absent)} not installed (Debian: postgresql-client)")
    with PostgreSQL() as made:
        yield made


def query(server: PostgreSQL, database: str, *statements: str) -> list[tuple[object, ...]]:
    import psycopg

    with psycopg.connect(server.url_of(database), autocommit=True) as connection:
        for statement in statements[:-1]:
            connection.execute(statement.encode())
        last = connection.execute(statements[-1].encode())
        return list(last.fetchall()) if last.description else []


def put_away(home: Path, database: Database) -> ArchiveStore:
    store = store_in(home / "backups")
    writing.write(
        store, key=ID, home=home, database=database, passphrase="", reason="test", versions={"egx": "0"}, facts={}
    )
    return store


def database_on(server: PostgreSQL, *, name: str = "postgres") -> Database:
    return Database(
        vendor="postgresql", name=name, host="127.0.0.1", port=str(server.port), user="egx", password=PASSWORD
    )


def test_what_was_put_away_comes_back_in_a_database_of_its_own(server: PostgreSQL, tmp_path: Path) -> None:
    query(server, "postgres", "CREATE TABLE words (word text)", "INSERT INTO words VALUES ('kept')")
    store = put_away(tmp_path, database_on(server))
    assert str(store.read(ID).facts["database"]).startswith("PostgreSQL")
    query(server, "postgres", "CREATE DATABASE restored")
    argv = ["pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--host=127.0.0.1"]
    argv += [f"--port={server.port}", "--username=egx", "--dbname=restored"]
    subprocess.run([*argv, str(store.folder / ID / "egx.pgdump")], check=True)
    assert query(server, "restored", "SELECT word FROM words") == [("kept",)]


def test_a_database_that_is_not_there_is_told_and_leaves_nothing(server: PostgreSQL, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="pg_dump failed") as failed:
        put_away(tmp_path, database_on(server, name="nowhere"))
    assert PASSWORD not in str(failed.value)
    assert os.listdir(tmp_path / "backups") == []  # noqa: PTH208


def test_the_password_is_not_among_the_words_that_everybody_sees(server: PostgreSQL) -> None:
    assert PASSWORD not in repr(database_on(server))
