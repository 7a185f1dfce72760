"""A backup of the whole instance comes back whole, and what was there before stays."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from egx_project.lib.errors import BadInputError
from tests.updates.archives.builders import ID, described, store_in
from tests.updates.instance import victim
from tests.updates.instance.builders import PASSPHRASE, make_database, make_home, name_in, prepare, put_away
from updates.archives.errors import ArchiveError
from updates.instance import restoring, writing
from updates.instance.databases import Database, DatabaseError
from updates.instance.numbers import JUMP, carry_over

ROOT = Path(__file__).parents[3]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    victim.set_up(tmp_path / "home")
    return tmp_path / "home"


def put_back(home: Path, *, passphrase: str = PASSPHRASE) -> restoring.Restore:
    prepare(home, passphrase=passphrase)
    done = restoring.finish(home)
    assert done is not None
    return done


def state_of(home: Path) -> tuple[str, bytes]:
    return name_in(home / "egx.sqlite3"), (home / "secret_key").read_bytes()


BEFORE, AFTER = ("old", victim.OLD), ("new", victim.NEW)


def test_rows_and_key_come_back_together_and_what_was_there_is_kept(home: Path) -> None:
    done = put_back(home)
    assert state_of(home) == AFTER
    assert name_in(Path(done.aside)) == "old"
    assert Path(done.key_aside).read_bytes() == victim.OLD


def test_nothing_is_in_place_until_it_is_put_there(home: Path) -> None:
    prepare(home)
    assert state_of(home) == BEFORE


def test_a_restore_after_a_restore_keeps_what_was_there_each_time(home: Path) -> None:
    first = put_back(home)
    with closing(sqlite3.connect(home / "egx.sqlite3")) as database:
        database.execute("UPDATE gateways_gateway SET name = 'between'")
        database.commit()
    second = put_back(home)
    assert [name_in(Path(one.aside)) for one in (first, second)] == ["old", "between"]
    assert state_of(home) == AFTER
    assert second.key_aside == ""  # it was the same


def test_what_a_killed_egx_left_in_its_log_is_kept_with_it(home: Path) -> None:
    script = (
        "import os, sqlite3, sys; database = sqlite3.connect(sys.argv[1]);"
        "database.execute('PRAGMA journal_mode=WAL');"
        "database.execute(\"UPDATE gateways_gateway SET name = 'in the log'\"); database.commit(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, str(home / "egx.sqlite3")], check=True)
    assert (home / "egx.sqlite3-wal").stat().st_size > 0
    done = put_back(home)
    assert state_of(home) == AFTER
    assert name_in(Path(done.aside)) == "in the log"


def test_without_the_passphrase_the_key_stays(home: Path) -> None:
    prepare(home, passphrase="")
    done = restoring.finish(home)
    assert done is not None
    assert (done.key, state_of(home)) == (False, ("new", victim.OLD))


def test_with_another_passphrase_nothing_is_restored(home: Path) -> None:
    with pytest.raises(ArchiveError, match="passphrase"):
        prepare(home, passphrase="another")
    assert restoring.finish(home) is None
    assert state_of(home) == BEFORE


def test_a_backup_that_is_damaged_is_refused_and_all_is_as_it_was(home: Path) -> None:
    (home / "backups" / ID / "secret_key.sealed").write_bytes(b"")
    with pytest.raises(ArchiveError, match="is damaged"):
        prepare(home)
    assert restoring.finish(home) is None
    assert state_of(home) == BEFORE


def test_a_database_that_this_egx_does_not_know_is_refused(home: Path) -> None:
    with pytest.raises(ValueError, match="0001_initial"):
        prepare(home, known=False)
    assert restoring.finish(home) is None
    assert state_of(home) == BEFORE
    assert not list(home.glob("*.restoring"))


def test_a_dump_of_postgresql_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with store_in(tmp_path / "backups").writing(archive_id=ID, **{**described(), "kind": "instance"}) as draft:
        draft.write_bytes("egx.pgdump", b"PGDMP")
    with pytest.raises(BadInputError, match="PostgreSQL") as refused:
        prepare(tmp_path)
    assert "pg_restore" in refused.value.hint


def test_a_restore_that_is_killed_anywhere_leaves_the_old_or_the_new_and_can_be_repeated(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", victim.__name__, str(tmp_path)], cwd=ROOT, check=True)
    seen = []
    for home in sorted(tmp_path.iterdir()):
        restoring.finish(home)  # as the next `egx up` does before anything else
        seen.append(state_of(home))
        assert restoring.finish(home) is None
        assert state_of(home) == seen[-1]
        if seen[-1] == AFTER:
            assert name_in(home / f"egx.sqlite3.before-{ID}") == "old"
            assert (home / f"secret_key.before-{ID}").read_bytes() == victim.OLD
        assert not list(home.glob("*.restoring"))
        again = put_back(home, passphrase="")
        assert state_of(home) == ("new", seen[-1][1])
        assert name_in(Path(again.aside)) == seen[-1][0]
    turn = seen.index(AFTER)
    assert seen == [BEFORE] * turn + [AFTER] * (len(seen) - turn)
    assert 0 < turn < len(seen) - 10


# --- numbers --------------------------------------------------------------------------------------------------------


def numbers_in(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as database:
        fence, generation = database.execute("SELECT fence, generation FROM gateways_gateway").fetchone()
        events, kept = database.execute("SELECT last, first_kept FROM events_eventcounter").fetchone()
        (given,) = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'gateways_gateway'").fetchone()
    return {"fence": fence, "generation": generation, "events": events, "first_kept": kept, "given": given}


def test_numbers_go_on_from_the_database_that_is_replaced(tmp_path: Path) -> None:
    old, present = tmp_path / "old", tmp_path / "present"
    make_database(old, name="web", fence=3, generation=2, events=10)
    make_database(present, name="web", fence=9, generation=7, events=50)
    with closing(sqlite3.connect(present)) as database:
        database.execute("INSERT INTO gateways_gateway (name, fence, generation) VALUES ('later', 1, 1)")
        database.commit()
    carry_over(old, present, something_runs=True)
    # Whoever has read event 50 has seen what has not happened: 51 is no longer to be had, so they start anew.
    assert numbers_in(old) == {"fence": 9, "generation": 8, "events": 51, "first_kept": 52, "given": 2}


@pytest.mark.parametrize("ruined", [b"no database", None])
def test_numbers_jump_where_nobody_can_say_how_far_they_had_come(tmp_path: Path, ruined: bytes | None) -> None:
    old, present = tmp_path / "old", tmp_path / "present"
    make_database(old, name="web", fence=3, generation=2, events=10)
    if ruined is not None:
        present.write_bytes(ruined)
    carry_over(old, present, something_runs=True)
    assert numbers_in(old) == {
        "fence": 3 + JUMP,
        "generation": 2 + JUMP,
        "events": 11 + JUMP,
        "first_kept": 12 + JUMP,
        "given": 1 + JUMP,
    }


def test_numbers_stay_where_nothing_is_and_nothing_runs(tmp_path: Path) -> None:
    old = tmp_path / "old"
    make_database(old, name="web", fence=3, generation=2, events=10)
    carry_over(old, tmp_path / "none", something_runs=False)
    found = numbers_in(old)
    assert (found["fence"], found["generation"], found["given"]) == (3, 2, 1)


# --- what is in one -------------------------------------------------------------------------------------------------


def test_the_copy_is_of_one_moment_though_somebody_writes(tmp_path: Path) -> None:
    make_home(tmp_path, name="committed", key=b"key")
    with closing(sqlite3.connect(tmp_path / "egx.sqlite3")) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("UPDATE gateways_gateway SET name = 'not yet'")
        store = put_away(tmp_path)
        writer.rollback()
    store.extract(ID, "egx.sqlite3", tmp_path / "copy")
    assert name_in(tmp_path / "copy") == "committed"
    assert sorted(file.path for file in store.read(ID).files) == ["egx.sqlite3", "secret_key.sealed"]


def test_the_key_is_in_no_file_of_the_backup_as_it_is(tmp_path: Path) -> None:
    make_home(tmp_path, name="web", key=b"the instance's own key")
    store = put_away(tmp_path)
    for file in (store.folder / ID).iterdir():
        assert b"the instance's own key" not in file.read_bytes()


@pytest.mark.parametrize(("has_key", "told"), [(True, "EGX_BACKUP_PASSPHRASE was not set"), (False, "not kept")])
def test_a_key_that_is_left_out_is_told_with_its_reason(tmp_path: Path, *, has_key: bool, told: str) -> None:
    make_home(tmp_path, name="web", key=b"key")
    if not has_key:
        (tmp_path / "secret_key").unlink()
    store = put_away(tmp_path, passphrase="" if has_key else "some")
    manifest = store.read(ID)
    assert told in str(manifest.facts["secret_key"])
    assert [file.path for file in manifest.files] == ["egx.sqlite3"]


def test_a_database_that_is_damaged_makes_no_backup(tmp_path: Path) -> None:
    (tmp_path / "egx.sqlite3").write_bytes(b"no database at all" * 500)
    with pytest.raises(DatabaseError, match="cannot be copied"):
        put_away(tmp_path)
    assert store_in(tmp_path / "backups").ids() == []


def test_without_pg_dump_a_postgresql_database_makes_no_backup_and_the_way_out_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DatabaseError, match="pg_dump is not installed") as refused:
        writing.write(
            store_in(tmp_path / "backups"),
            key=ID,
            home=tmp_path,
            database=Database(vendor="postgresql", name="egx", password="secret word"),
            passphrase="",
            reason="for a test",
            versions={"egx": "0.1.0"},
            facts={},
        )
    assert "postgresql-client" in refused.value.hint
    assert store_in(tmp_path / "backups").ids() == []
