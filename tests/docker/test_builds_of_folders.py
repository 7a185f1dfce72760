"""Images from folders, by a real Engine: with BuildKit and with its classic builder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from deployments import builds
from deployments.models import Build, Operation
from egx_project.lib.errors import ConflictError
from tests.docker import building
from tests.requirements import require

pytestmark = [pytest.mark.docker, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def engine() -> Iterator[docker.APIClient]:
    why = building.missing()
    require("docker", present=not why, why=why)
    with building.engine() as client:
        yield client


@pytest.fixture(params=["classic", "buildkit"])
def method(request: pytest.FixtureRequest, settings: Any) -> str:
    plugin = building.buildx() if request.param == "buildkit" else "off"
    require("buildx", present=bool(plugin), why="there is no buildx plugin on this machine")
    settings.EGX_BUILDX = plugin
    return str(request.param)


def said(operation: Operation) -> str:
    return builds.read_log(Build.objects.get(pk=operation.pk), offset=0).text


def states(operation: Operation) -> list[tuple[str, str]]:
    return [(step.name, step.state) for step in operation.steps.all()]


def test_a_folder_becomes_an_image_with_its_name_labels_and_nothing_left_over(
    engine: docker.APIClient, method: str, tmp_path: Path
) -> None:
    folder = building.source(tmp_path, building.LABELLED)
    image = building.name("app:1.0")
    done = building.build(folder, image, version="1.0", labels=["org.version=1.0", "org.date"], largest=10_000)
    assert done.state == "done", (done.error, said(done))
    assert states(done) == [(step, "done") for step in ("check_source", "build_image", "check_image", "tag_image")]
    held: Any = engine.inspect_image(image)  # type: ignore[no-untyped-call]
    assert done.result["build_image"]["image"] == held["Id"]
    assert done.result["build_image"]["method"] == method
    labels = held["Config"]["Labels"]
    assert labels["org.version"] == "1.0"
    assert labels["org.date"].endswith("Z")
    assert building.left(engine, done.key) == []
    assert "hello" in said(done)


def test_an_error_of_the_dockerfile_is_the_operations_and_leaves_the_name_where_it_was(
    engine: docker.APIClient, method: str, tmp_path: Path
) -> None:
    image = building.name("broken:1")
    folder = building.source(tmp_path, building.SCRATCH)
    before = building.build(folder, image)
    assert before.state == "done", before.error
    building.source(tmp_path, "FROM scratch\nCOPY nothing-of-this-name /\n")
    failed = building.build(folder, image)
    assert failed.state == "rolled_back"
    assert "nothing-of-this-name" in failed.error
    assert failed.hint
    now: Any = engine.inspect_image(image)  # type: ignore[no-untyped-call]
    assert now["Id"] == before.result["build_image"]["image"]
    assert building.left(engine, failed.key) == []


def test_an_image_that_is_not_as_it_must_be_gets_no_name(engine: docker.APIClient, method: str, tmp_path: Path) -> None:
    image = building.name("large:1")
    folder = building.source(tmp_path, building.SCRATCH, more="x" * 5000)
    (folder / "Dockerfile").write_text(building.SCRATCH + "COPY more /more\n")
    refused = building.build(folder, image, largest=1000, labels=["org.title", "org.vendor=us"])
    assert refused.state == "rolled_back"
    for piece in ("1000", "org.title", "org.vendor"):
        assert piece in refused.error
    with pytest.raises(docker.errors.ImageNotFound):
        engine.inspect_image(image)  # type: ignore[no-untyped-call]
    assert building.left(engine, refused.key) == []


def test_what_dockerignore_names_is_not_sent(engine: docker.APIClient, method: str, tmp_path: Path) -> None:
    folder = building.source(tmp_path, "FROM scratch\nCOPY . /\n", secret="hidden")
    (folder / ".dockerignore").write_text("secret\n")
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY secret /\n")
    failed = building.build(folder, building.name("ignored:1"))
    assert failed.state == "rolled_back"


def test_one_build_of_a_name_at_a_time(engine: docker.APIClient, tmp_path: Path) -> None:
    folder = building.source(tmp_path, building.SCRATCH)
    first = building.ask(folder, building.name("one"))
    with pytest.raises(ConflictError, match=rf"operation {first.pk} \(build\) of image .*one:latest is not finished"):
        building.ask(folder, building.name("one:latest"))
    building.ask(folder, building.name("one:other"))
