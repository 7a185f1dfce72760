"""An image of several platforms: by BuildKit, on an Engine with the containerd image store, into a real registry."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.docker import building, newer_engine
from tests.requirements import require

pytestmark = [pytest.mark.docker, pytest.mark.django_db(transaction=True)]

PLATFORMS = ["linux/amd64", "linux/arm64"]
INDEX = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json"


@pytest.fixture
def host(settings: Any) -> Iterator[str]:
    why = newer_engine.missing() or ("" if building.buildx() else "there is no buildx plugin on this machine")
    require("docker", present=not why, why=why)
    settings.EGX_BUILDX = building.buildx()
    folder = Path(tempfile.mkdtemp(prefix="egx-"))  # short: Unix sockets lie below it
    with newer_engine.engine(folder) as address:
        yield address
    shutil.rmtree(folder)


def test_both_platforms_are_published_under_one_name(host: str, tmp_path: Path) -> None:
    target = building.target()
    target.options = {"host": host}
    target.save()
    with building.registry(tmp_path) as registry:
        repository = building.name("several")
        folder = building.source(tmp_path / "app", building.SCRATCH)
        done = building.build(folder, f"{registry}/{repository}:1", platforms=PLATFORMS, push=True)
        assert done.state == "done", done.error
        answer = httpx.get(f"http://{registry}/v2/{repository}/manifests/1", headers={"accept": INDEX})
        assert answer.headers["docker-content-digest"] == done.result["push_image"]["digest"]
        published = [manifest["platform"] for manifest in answer.json()["manifests"]]
        assert sorted(f"{one['os']}/{one['architecture']}" for one in published) == PLATFORMS


def test_a_single_foreign_platform_is_what_comes_out(host: str, tmp_path: Path) -> None:
    target = building.target()
    target.options = {"host": host}
    target.save()
    folder = building.source(tmp_path, building.SCRATCH)
    done = building.build(folder, building.name("foreign:1"), platforms=["linux/arm64"])
    assert done.state == "done", done.error
    assert done.result["check_image"]["platform"] == "linux/arm64"
