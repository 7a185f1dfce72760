"""A backup is whole or absent, and what is wrong with one is said."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from egx_project.lib.errors import ConflictError, NotFoundError
from tests.updates.archives.builders import FILES, ID, NOW, OTHER_ID, described, manifest_of, names, store_in, write
from updates.archives.draft import Draft
from updates.archives.errors import ArchiveError
from updates.archives.manifest import BackupManifest
from updates.archives.store import AlreadyThereError, ArchiveStore


@pytest.fixture
def store(tmp_path: Path) -> ArchiveStore:
    return store_in(tmp_path / "backups")


def test_what_is_written_is_there_whole(store: ArchiveStore) -> None:
    manifest = write(store)
    assert manifest == manifest_of(FILES)
    assert store.ids() == [ID]
    assert store.read(ID) == store.find(ID) == manifest
    assert store.verify(ID) == []
    assert {path: store.open(ID, path) for path in FILES} == FILES
    assert list(store.manifests()) == [(ID, manifest)]
    assert names(store.folder) == [ID]


def test_files_come_from_bytes_values_copies_and_tools(store: ArchiveStore, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"copied")
    with store.writing(**described()) as draft:
        draft.write_json("value.json", {"b": 1, "a": [True]})
        draft.copy("copied", tmp_path / "source")
        database = sqlite3.connect(draft.target("rows.sqlite3"))
        database.execute("CREATE TABLE rows (number INTEGER)")
        database.commit()
        database.close()
        dump = draft.target("dump")
        dump.mkdir()
        (dump / "part").write_bytes(b"one")
        draft.facts["tables"] = 1
    made = draft.manifest
    assert made.id.startswith("bk-20260131T120000Z-")
    assert made.created_at == NOW
    assert made.facts == described()["facts"] | {"tables": 1}
    assert [entry.path for entry in made.files] == ["copied", "dump/part", "rows.sqlite3", "value.json"]
    assert store.open(made.id, "value.json") == b'{"a":[true],"b":1}\n'
    assert store.verify(made.id) == []


def test_only_the_owner_may_look_into_it(store: ArchiveStore) -> None:
    with store.writing(archive_id=ID, **described()) as draft:
        draft.write_bytes("a/b/c", b"")
        by_tool = draft.target("by-tool")
        by_tool.touch()
        by_tool.chmod(0o644)
    for path in (store.folder, *store.folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_block_that_raises_leaves_nothing(store: ArchiveStore, error: type[BaseException]) -> None:
    drafts: list[Draft] = []

    def fail() -> None:
        with store.writing(archive_id=ID, **described()) as draft:
            drafts.append(draft)
            draft.write_bytes("a/b", b"")
            raise error

    with pytest.raises(error):
        fail()
    assert names(store.folder) == []
    with pytest.raises(RuntimeError, match="block has ended"):
        assert drafts[0].manifest


def link(place: Path) -> None:
    place.symlink_to("/etc/hostname")


@pytest.mark.parametrize(
    "put", [link, os.mkfifo, lambda _: None, Path.mkdir], ids=["link", "pipe", "nothing", "folder"]
)
def test_a_tool_that_leaves_no_file_makes_no_backup(store: ArchiveStore, put: Callable[[Path], None]) -> None:
    with pytest.raises(ArchiveError, match="'by-tool'"), store.writing(**described()) as draft:
        put(draft.target("by-tool"))
    assert names(store.folder) == []


@pytest.mark.parametrize("path", ["../x", "/x", "manifest.json", "twice", "twice/below", ""])
def test_a_file_that_has_no_place_in_a_backup_is_refused(store: ArchiveStore, path: str) -> None:
    with store.writing(archive_id=OTHER_ID, **described()) as draft:
        draft.write_bytes("twice", b"")
        with pytest.raises(ArchiveError, match=r"path|already|below"):
            draft.write_bytes(path, b"")
    assert [entry.path for entry in draft.manifest.files] == ["twice"]


def test_what_cannot_be_described_is_not_begun(store: ArchiveStore) -> None:
    for wrong in ({"subject": ""}, {"archive_id": "../x"}, {"kind": "host"}):
        with pytest.raises(ArchiveError, match="described"), store.writing(**described() | wrong):
            pytest.fail("the block must not run")
    assert names(store.folder) == []


def test_a_repeated_step_finds_what_it_wrote_and_cannot_write_twice(store: ArchiveStore) -> None:
    assert store.find(ID) is None
    manifest = write(store)
    with pytest.raises(AlreadyThereError) as raised:
        write(store, {"other": b""})
    assert raised.value.manifest == manifest == store.find(ID)
    assert names(store.folder) == [ID]


def test_a_damaged_backup_is_never_written_over(store: ArchiveStore) -> None:
    write(store)
    (store.folder / ID / "objects.yaml").unlink()
    with pytest.raises(ArchiveError, match=r"damaged: 'objects\.yaml' is missing"):
        write(store)
    assert store.verify(ID) == ["'objects.yaml' is missing"]


def test_two_cannot_write_the_same_backup_but_two_backups_can_be_written(store: ArchiveStore) -> None:
    with store.writing(archive_id=ID, **described()) as draft:
        draft.write_bytes("a", b"")
        with pytest.raises(ConflictError, match="another process"):
            write(store_in(store.folder))
        with pytest.raises(ConflictError, match="another process"):
            store_in(store.folder).remove(ID)
        write(store_in(store.folder), archive_id=OTHER_ID)
    assert store.ids() == [ID, OTHER_ID]
    assert store.verify(ID) == []


def test_what_is_being_written_is_neither_shown_nor_cleaned_away(store: ArchiveStore) -> None:
    with store.writing(archive_id=ID, **described()) as draft:
        draft.write_bytes("a", b"")
        other = store_in(store.folder)
        assert other.ids() == []
        assert list(other.manifests()) == []
        assert other.find(ID) is None
        assert other.remove_unfinished() == []
    assert store.verify(ID) == []


def test_only_leftovers_are_cleaned_away(store: ArchiveStore) -> None:
    write(store)
    for name in (f".{OTHER_ID}.new", f".{OTHER_ID}.gone", ".mine.new", "mine"):
        (store.folder / name / "below").mkdir(parents=True)
    assert store.remove_unfinished() == [OTHER_ID]
    assert names(store.folder) == [".mine.new", ID, "mine"]
    assert store_in(store.folder / "absent").remove_unfinished() == []


def append(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\n")


def change(file: Path) -> None:
    content = file.read_bytes() or b"x"
    file.write_bytes(bytes([content[0] ^ 1]) + content[1:])


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1] or b"more")


def make_link(file: Path) -> None:
    file.rename(file.parents[2] / "moved")
    file.symlink_to(file.parents[2] / "moved")


def make_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def make_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("path", [*FILES, "manifest.json"])
@pytest.mark.parametrize("tamper", [append, change, cut, Path.unlink, make_link, make_pipe, make_folder])
def test_a_file_that_was_tampered_with_is_told_and_not_read(
    store: ArchiveStore, path: str, tamper: Callable[[Path], None]
) -> None:
    write(store)
    tamper(store.folder / ID / path)
    problems = store.verify(ID)
    assert len(problems) == 1
    assert path in problems[0]
    with pytest.raises(ArchiveError, match="damaged"):
        store.find(ID)
    if path == "manifest.json":
        with pytest.raises(ArchiveError, match=r"manifest\.json"):
            store.read(ID)
        path = "objects.yaml"
    with pytest.raises(ArchiveError, match=ID):
        store.open(ID, path)
    to = store.folder.parent / "extracted"
    with pytest.raises(ArchiveError, match=ID):
        store.extract(ID, path, to)
    assert not to.exists()


def test_what_is_wrong_with_a_backup_is_said_all_at_once(store: ArchiveStore) -> None:
    write(store, {"a": b"a", "b": b"b", "c": b"c", "d": b"d"})
    place = store.folder / ID
    (place / "a").unlink()
    (place / "b").write_bytes(b"longer")
    (place / "c").write_bytes(b"x")
    (place / "more").mkdir()
    (place / "more" / "link").symlink_to("/")
    assert store.verify(ID) == [
        "'a' is missing",
        "'b' has 6 bytes, and had 1 when the backup was made",
        "'c' has another content than when the backup was made (its SHA-256 differs)",
        "'more/link' is not in the manifest",
    ]


def test_a_catalogue_can_be_made_of_whatever_lies_there(store: ArchiveStore) -> None:
    good = write(store)
    third, fourth = ID.replace("0a1b2c", "000003"), ID.replace("0a1b2c", "000004")
    (store.folder / OTHER_ID).mkdir()
    (store.folder / "notes").mkdir()
    (store.folder / "README").touch()
    (store.folder / third).symlink_to(store.folder / ID)
    (store.folder / fourth).mkdir()
    (store.folder / fourth / "manifest.json").write_bytes(good.to_bytes())
    seen = dict(store.manifests())
    assert seen == {
        ID: good,
        OTHER_ID: f"backup {OTHER_ID} has no manifest.json",
        "notes": "'notes' is not the id of a backup",
        fourth: f"backup {fourth} has the manifest.json of {ID}",
    }
    assert [name for name, one in seen.items() if isinstance(one, BackupManifest)] == [ID]


def test_a_file_is_extracted_in_place_of_another(store: ArchiveStore, tmp_path: Path) -> None:
    write(store)
    (tmp_path / "rows").write_bytes(b"old")
    store.extract(ID, "state/rows.json", tmp_path / "rows")
    assert (tmp_path / "rows").read_bytes() == FILES["state/rows.json"]
    assert names(tmp_path) == ["backups", "rows"]


def test_what_is_not_there_is_not_found(store: ArchiveStore) -> None:
    for ask in (store.read, store.verify, lambda archive_id: store.open(archive_id, "a")):
        with pytest.raises(NotFoundError, match=ID):
            ask(ID)
        with pytest.raises(ArchiveError, match="not the id"):
            ask("../backups")
    assert store.find(ID) is None
    assert store.ids() == []
    write(store)
    with pytest.raises(NotFoundError, match=r"no file '\.\./x'"):
        store.open(ID, "../x")


def test_what_only_has_the_name_of_a_backup_is_left_alone(store: ArchiveStore) -> None:
    store.folder.mkdir()
    (store.folder / ID).write_bytes(b"a file")
    (store.folder / OTHER_ID).symlink_to(store.folder)
    for archive_id in (ID, OTHER_ID):
        with pytest.raises(ArchiveError, match="something else"):
            write(store, archive_id=archive_id)
        store.remove(archive_id)
    assert names(store.folder) == [ID, OTHER_ID]


def test_a_removed_backup_is_gone_whole_or_damaged_and_can_be_removed_again(store: ArchiveStore) -> None:
    store.remove(ID)
    write(store)
    write(store, archive_id=OTHER_ID)
    (store.folder / ID / "manifest.json").unlink()
    store.remove(ID)
    store.remove(ID)
    assert names(store.folder) == [OTHER_ID]
