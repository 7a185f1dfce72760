"""A cancel ends a build that runs; a kill of its worker leaves nothing half, and the next one brings it to its end."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import docker
import psutil
import pytest

from deployments.drivers.children import WORKS_IN
from egx_project.lib.clock import SystemClock, wait_for
from tests.docker import building
from tests.kill import rig, worker
from tests.kill.rig import Worker
from tests.requirements import require

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

BEGIN_SECONDS = 60.0
GONE_SECONDS = 20.0
SLOW = "FROM {base}\nRUN echo {marker} && {wait}\nCOPY hello /hello\n"


@pytest.fixture
def engine() -> Iterator[docker.APIClient]:
    why = building.missing()
    require("docker", present=not why, why=why)
    with building.engine() as client:
        yield client


@pytest.fixture(params=["classic", "buildkit"])
def buildx(request: pytest.FixtureRequest) -> str:
    """What EGX_BUILDX is."""
    plugin = building.buildx() if request.param == "buildkit" else "off"
    require("buildx", present=bool(plugin), why="there is no buildx plugin on this machine")
    return plugin


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="egx-"))
    yield folder
    left = working(folder)
    for process in left:
        process.kill()
    shutil.rmtree(folder)
    assert left == []


def working(home: Path) -> list[psutil.Process]:
    """The programs that build for this data directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(WORKS_IN, "").startswith(str(home)):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


class _Ask:
    """A body for a process of its own: picklable, with what it needs."""

    def __init__(self, home: Path, buildx: str, make: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.home, self.buildx, self.make, self.args, self.kwargs = home, buildx, make, args, kwargs

    def __call__(self, wire: Connection) -> None:
        worker.use_home(self.home, {"EGX_BUILDX": self.buildx})
        wire.send(self.make(*self.args, **self.kwargs))


def prepare() -> bool:
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    return True


def wanted(folder: str, image: str, push: bool = False) -> tuple[int, str]:
    operation = building.ask(folder, image, push=push)
    return operation.pk, operation.key


def cancel(number: int) -> bool:
    from deployments import services

    services.cancel(operation_id=number, by="tester")
    return True


def begins(home: Path, key: str) -> None:
    """Return when the Dockerfile's own command runs."""
    from deployments.drivers import build_log

    def look() -> bool | None:
        text = build_log.read(home / "builds" / key / "log", 0).text
        return any(building.PREFIX in line and "echo" not in line for line in text.splitlines()) or None

    assert wait_for(look, clock=SystemClock(), seconds=BEGIN_SECONDS)


def sleepers(marker: str) -> list[psutil.Process]:
    """What of a build's own commands runs on this machine."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cmdline()[:1] == ["sleep"] and marker in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def containers(client: docker.APIClient) -> set[str]:
    """Of these tests' own builds, running or not: others may use the Engine, too."""
    return {found["Id"] for found in client.containers(all=True) if building.PREFIX in found["Command"]}


def slow_source(folder: Path, base: str, seconds: int) -> str:
    return str(building.source(folder, SLOW.format(base=base, marker=building.PREFIX, wait=f"sleep {seconds}")))


def test_a_cancel_ends_a_build_that_runs_with_its_container(
    engine: docker.APIClient, buildx: str, home: Path, tmp_path: Path
) -> None:
    seconds = 100_000 + os.getpid()
    rig.ask(_Ask(home, buildx, prepare))
    folder, image = slow_source(tmp_path, building.base(engine), seconds), building.name("cancelled:1")
    number, key = rig.ask(_Ask(home, buildx, wanted, folder, image))
    builder = Worker(home, number, {"EGX_BUILDX": buildx})
    builder.drive(lambda _n, point: "hold" if point == ("effect", "build", "before") else "go")
    builder.let_go()
    begins(home, key)
    assert wait_for(lambda: sleepers(str(seconds)) or None, clock=SystemClock(), seconds=BEGIN_SECONDS)
    rig.ask(_Ask(home, buildx, cancel, number))
    assert builder.drive(rig.go).state == "rolled_back"
    rows = rig.rows(home, number)
    assert "cancelled by tester" in rows["operation"]["error"]
    assert {step["name"]: step["state"] for step in rows["steps"]}["build_image"] == "undone"
    gone = wait_for(lambda: not sleepers(str(seconds)) or None, clock=SystemClock(), seconds=GONE_SECONDS)
    assert gone
    assert wait_for(lambda: not containers(engine) or None, clock=SystemClock(), seconds=GONE_SECONDS)
    assert building.left(engine, key) == []


def test_the_next_worker_ends_what_a_killed_one_has_left_building_and_builds_again(
    engine: docker.APIClient, buildx: str, home: Path, tmp_path: Path
) -> None:
    seconds = 7
    rig.ask(_Ask(home, buildx, prepare))
    folder, image = slow_source(tmp_path, building.base(engine), seconds), building.name("killed:1")
    number, key = rig.ask(_Ask(home, buildx, wanted, folder, image))
    builder = Worker(home, number, {"EGX_BUILDX": buildx})
    builder.drive(lambda _n, point: "hold" if point == ("effect", "build", "before") else "go")
    builder.let_go()
    begins(home, key)
    builder.kill()
    orphans = working(home)
    assert orphans
    assert rig.finish(home, number, {"EGX_BUILDX": buildx}) == "done"
    assert not any(orphan.is_running() for orphan in orphans)
    held: Any = engine.inspect_image(image)  # type: ignore[no-untyped-call]
    assert held["Id"] == rig.rows(home, number)["operation"]["result"]["build_image"]["image"]
    assert building.left(engine, key) == []
    assert wait_for(lambda: not containers(engine) or None, clock=SystemClock(), seconds=GONE_SECONDS)


def test_a_kill_at_every_boundary_of_a_build_ends_with_the_whole_image_under_its_name(
    engine: docker.APIClient, buildx: str, home: Path, tmp_path: Path
) -> None:
    """One build after another of one name, each killed at the next point, until one comes to its end unkilled."""
    rig.ask(_Ask(home, buildx, prepare))
    with building.registry(tmp_path) as registry:
        image, n = f"{registry}/{building.name('matrix')}:1", 0
        while True:
            folder = str(building.source(tmp_path / "source", building.SCRATCH, hello=f"{n}\n"))
            number, key = rig.ask(_Ask(home, buildx, wanted, folder, image, push=True))
            named = ids(engine, image)
            run = Worker(home, number, {"EGX_BUILDX": buildx}).drive(rig.at(n, "kill"))
            if run.state:
                break
            assert ids(engine, image) in (named, new_id(home, number)), run.points[-1]
            assert rig.finish(home, number, {"EGX_BUILDX": buildx}) == "done", run.points[-1]
            result = rig.rows(home, number)["operation"]["result"]
            assert ids(engine, image) == {result["build_image"]["image"]}
            assert published(engine, image) == result["push_image"]["digest"], run.points[-1]
            assert building.left(engine, key) == []
            n += 1
        assert run.state == "done"
    assert n > 15


def ids(client: docker.APIClient, image: str) -> set[str]:
    try:
        held: Any = client.inspect_image(image)  # type: ignore[no-untyped-call]
    except docker.errors.ImageNotFound:
        return set()
    return {held["Id"]}


def new_id(home: Path, number: int) -> set[str]:
    steps = {step["name"]: step["result"] for step in rig.rows(home, number)["steps"]}
    return {steps.get("build_image", {}).get("image", "none")}


def published(client: docker.APIClient, image: str) -> str:
    return str(client.inspect_distribution(image)["Descriptor"]["digest"])  # type: ignore[no-untyped-call]


def test_an_error_around_every_effect_of_a_build_leaves_the_name_where_it_was(
    engine: docker.APIClient, buildx: str, home: Path, tmp_path: Path
) -> None:
    rig.ask(_Ask(home, buildx, prepare))
    image = building.name("failing:1")
    folder = str(building.source(tmp_path, building.SCRATCH, hello="first\n"))
    number, _key = rig.ask(_Ask(home, buildx, wanted, folder, image))
    reference = Worker(home, number, {"EGX_BUILDX": buildx}).drive(rig.go)
    assert reference.state == "done"
    before = ids(engine, image)
    for n in rig.effects(reference):
        building.source(tmp_path, building.SCRATCH, hello=f"{n}\n")
        number, key = rig.ask(_Ask(home, buildx, wanted, folder, image))
        run = Worker(home, number, {"EGX_BUILDX": buildx}).drive(rig.at(n, "fail"))
        assert run.state == "rolled_back", reference.points[n]
        assert ids(engine, image) == before, reference.points[n]
        assert building.left(engine, key) == []
