"""SIGKILL anywhere leaves a backup whole or absent, and what it leaves besides can be cleaned away."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from egx_project.lib import atomic
from egx_project.lib.clock import SystemClock, wait_for
from egx_project.lib.errors import ConflictError
from tests.updates.archives import victim
from tests.updates.archives.builders import FILES, ID, LIMITS, manifest_of, names, packed, store_in
from updates.archives import packing
from updates.archives.store import ArchiveStore

ROOT = Path(__file__).parents[3]


def killed_everywhere(action: str, folder: Path) -> list[ArchiveStore]:
    """One store for each point at which a process was killed that did this."""
    subprocess.run([sys.executable, "-m", victim.__name__, action, str(folder)], cwd=ROOT, check=True)
    return [store_in(place) for place in sorted(folder.iterdir())]


@pytest.mark.parametrize("action", ["write", "unpack", "remove"])
def test_a_killed_process_leaves_a_whole_backup_or_none(action: str, tmp_path: Path) -> None:
    stores = killed_everywhere(action, tmp_path)
    seen = []
    for store in stores:
        ids = store.ids()
        assert [store.verify(one) for one in ids] == [[]] * len(ids)
        store.remove_unfinished()
        assert names(store.folder) == ids
        seen.append(ids)
    assert len(seen) > 10
    first, last = ([ID], []) if action == "remove" else ([], [ID])
    turn = seen.index(last)
    assert seen == [first] * turn + [last] * (len(seen) - turn)
    assert 0 < turn < len(seen)


@pytest.mark.parametrize("action", ["write", "unpack"])
def test_a_step_that_was_killed_is_repeated_without_cleaning_first(action: str, tmp_path: Path) -> None:
    for store in killed_everywhere(action, tmp_path):
        if action == "unpack" or store.find(ID) is None:
            victim.ACTIONS[action](store.folder)
        assert store.find(ID) == manifest_of(FILES)
        store.remove_unfinished()
        assert names(store.folder) == [ID]


def test_a_removal_that_was_killed_is_repeated(tmp_path: Path) -> None:
    for store in killed_everywhere("remove", tmp_path):
        store.remove(ID)
        store.remove_unfinished()
        assert names(store.folder) == []


def test_what_a_tool_still_writes_is_left_until_it_ends_though_its_parent_is_dead(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    parent = subprocess.Popen(
        [sys.executable, "-m", victim.__name__, "orphan", str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE
    )
    assert parent.stdin is not None
    with parent.stdin:
        assert parent.wait() == -signal.SIGKILL
        assert store.remove_unfinished() == []
        with pytest.raises(ConflictError, match="another process"):
            victim.write(tmp_path)
        assert f".{ID}.new" in names(tmp_path)
    assert wait_for(lambda: store.remove_unfinished() or None, clock=SystemClock(), seconds=30) == [ID]
    assert names(tmp_path) == []


def test_packing_that_was_killed_leaves_a_whole_file_or_none(tmp_path: Path) -> None:
    for store in killed_everywhere("pack", tmp_path / "stores"):
        file = store.folder / "packed.tar.gz"
        if file.exists():
            assert file.read_bytes() == packed(store)
            other = store_in(tmp_path / "other")
            assert packing.unpack(io.BytesIO(file.read_bytes()), other, limits=LIMITS) == manifest_of(FILES)
        atomic.remove_leftovers(store.folder)
        assert set(names(store.folder)) <= {ID, "packed.tar.gz"}
        assert store.verify(ID) == []
