"""Images that are pushed: to a real registry, the tag last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests import hosts
from tests.docker import building
from tests.requirements import require

pytestmark = [pytest.mark.docker, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def engine() -> Iterator[docker.APIClient]:
    why = building.missing()
    require("docker", present=not why, why=why)
    with building.engine() as client:
        yield client


@pytest.fixture(params=["classic", "buildkit"], autouse=True)
def _method(request: pytest.FixtureRequest, settings: Any) -> None:
    plugin = building.buildx() if request.param == "buildkit" else "off"
    require("buildx", present=bool(plugin), why="there is no buildx plugin on this machine")
    settings.EGX_BUILDX = plugin


def test_the_registry_has_the_digest_that_the_build_tells(engine: docker.APIClient, tmp_path: Path) -> None:
    with building.registry(tmp_path) as registry:
        repository = building.name("published")
        image = f"{registry}/{repository}:1.0"
        done = building.build(building.source(tmp_path / "app", building.SCRATCH), image, push=True)
        assert done.state == "done", done.error
        assert building.tags(registry, repository) == ["1.0"]
        held: Any = engine.inspect_distribution(image)  # type: ignore[no-untyped-call]
        assert held["Descriptor"]["digest"] == done.result["push_image"]["digest"]


def test_where_no_registry_answers_nothing_keeps_the_new_name(engine: docker.APIClient, tmp_path: Path) -> None:
    image = f"127.0.0.1:{hosts.free_port()}/{building.name('nowhere')}:1"
    failed = building.build(building.source(tmp_path, building.SCRATCH), image, push=True)
    assert failed.state == "rolled_back"
    assert failed.hint
    with pytest.raises(docker.errors.ImageNotFound):
        engine.inspect_image(image)  # type: ignore[no-untyped-call]
    assert building.left(engine, failed.key) == []


def test_what_is_refused_is_not_published(engine: docker.APIClient, tmp_path: Path) -> None:
    with building.registry(tmp_path) as registry:
        repository = building.name("refused")
        folder = building.source(tmp_path / "app", building.SCRATCH)
        failed = building.build(folder, f"{registry}/{repository}:1", push=True, labels=["org.title"])
        assert failed.state == "rolled_back"
        assert building.tags(registry, repository) == []
