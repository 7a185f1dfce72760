"""An image of several platforms: by BuildKit, on an Engine with the containerd image store, into a real registry."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.docker import building, newer_engine
from tests.requirements import require

pytestmark = [pytest.mark.docker, pytest.mark.django_db(transaction=True)]

PLATFORMS = ["linux/amd64", "linux/arm64"]


@pytest.fixture
def engine(settings: Any) -> Iterator[docker.APIClient]:
    """The newer one, which is the docker target's."""
    why = newer_engine.missing() or ("" if building.buildx() else "there is no buildx plugin on this machine")
    require("docker", present=not why, why=why)
    settings.EGX_BUILDX = building.buildx()
    folder = Path(tempfile.mkdtemp(prefix="egx-"))  # short: Unix sockets lie below it
    with newer_engine.engine(folder) as host:
        target = building.target()
        target.options = {"host": host}
        target.save()
        client = docker.APIClient(base_url=host, version="1.44")
        yield client
        client.close()
    shutil.rmtree(folder)


def test_both_platforms_are_published_under_one_name(engine: docker.APIClient, tmp_path: Path) -> None:
    image = f"{newer_engine.REGISTRY}/{building.name('several')}:1"
    done = building.build(building.source(tmp_path, building.SCRATCH), image, platforms=PLATFORMS, push=True)
    assert done.state == "done", done.error
    published: Any = engine.inspect_distribution(image)  # type: ignore[no-untyped-call]
    assert published["Descriptor"]["digest"] == done.result["push_image"]["digest"]
    assert sorted(f"{one['os']}/{one['architecture']}" for one in published["Platforms"]) == PLATFORMS


def test_a_single_foreign_platform_is_what_comes_out(engine: docker.APIClient, tmp_path: Path) -> None:
    folder = building.source(tmp_path, building.SCRATCH)
    done = building.build(folder, building.name("foreign:1"), platforms=["linux/arm64"])
    assert done.state == "done", done.error
    assert done.result["check_image"]["platform"] == "linux/arm64"
