"""Labels and compose: what containers ask for, offered or followed, through `docker compose` as people use it."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.builders import gateway_yaml
from tests.docker.users import SERVES, Users, await_said, egx_with_docker, own_network, said, users
from tests.e2e.running import Egx, await_that, quiet_port
from tests.testbed.newer import Newer
from tests.testbed.state import Testbed

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

COMPOSE = """\
services:
  web:
    image: {image}
    entrypoint: [/bin/sh, -c, "{serves}"]
    command: ["{says}"]
    stop_signal: SIGKILL
    expose: [8000]
    labels: {{egx.route.path: {path}, egx.route.port: "8000"}}
"""


@dataclass
class World:
    egx: Egx
    port: int


@pytest.fixture(scope="module")
def world(testbed: Testbed) -> Iterator[World]:
    """An EGX that follows labels, with a gateway."""
    with egx_with_docker(testbed, EGX_DOCKER_LABELS="auto") as egx:
        port = quiet_port()
        egx.do("apply", "-f", "-", "--target", "docker", stdin=gateway_yaml(ports=(port,)))
        yield World(egx, port)


@pytest.fixture
def mine(engine: docker.DockerClient, testbed: Testbed) -> Iterator[Users]:
    with users(engine, testbed) as made:
        yield made


@dataclass
class Project:
    """Of compose, on the machine's own Engine: the newer one's command speaks with older ones."""

    newer: Newer
    socket: str
    folder: Path
    name: str
    image: str

    def write(self, says: str, path: str) -> None:
        text = COMPOSE.format(image=self.image, serves=SERVES.replace("$", "$$"), says=says, path=path)
        (self.folder / "compose.yaml").write_text(text)

    def compose(self, *words: str) -> None:
        environment = os.environ | {"DOCKER_CONFIG": self.newer.docker_config, "DOCKER_HOST": f"unix://{self.socket}"}
        done = subprocess.run(
            [self.newer.docker, "compose", "-p", self.name, *words],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture
def project(testbed: Testbed, newer: Newer, tmp_path: Path) -> Iterator[Project]:
    found = Project(newer, testbed.socket, tmp_path, f"egxtest{uuid.uuid4().hex[:8]}", testbed.images["busybox"].pinned)
    found.write("hello", "/none")
    try:
        yield found
    finally:
        found.compose("down", "--timeout", "0")


def listed(egx: Egx, name: str) -> dict[str, Any]:
    return next((item for item in egx.ask("/containers")["items"] if item["name"] == name), {})


def test_what_labels_ask_for_is_so_and_goes_with_them(world: World, mine: Users) -> None:
    name = str(mine.run("labelled", "asked", labels={"egx.route.path": "/asked", "egx.route.port": "8000"}).name)
    await_said(world.port, "/asked", "asked")
    mine.engine.containers.get(name).remove(force=True)
    mine.run("labelled", "not any more")
    await_that(lambda: not listed(world.egx, name)["exposures"] or None, "the route has gone", seconds=45)
    await_that(lambda: own_network(mine.engine, name) == [] or None, "it is out of the network")
    assert said(world.port, "/asked") == ""


def test_hostile_labels_take_nothing_away_from_anybody(world: World, mine: Users) -> None:
    hostile = {
        "egx.route.path": "/../../etc",
        "egx.route.<script>alert(1)</script>.path": "/x",
        "egx.route.port": "99999",
        "egx.dev/installatio": "me",
        "egx.route.a.host": "a\nb",
    }
    name = str(mine.run("hostile", "no", labels=hostile).name)
    other = str(mine.run("good", "good", labels={"egx.route.path": "/good"}).name)
    await_said(world.port, "/good", "good")
    found = listed(world.egx, name)
    assert (found["exposures"], found["offered"]) == ([], [])
    assert all(problem.startswith(f"container {name}: ") for problem in found["problems"])
    shown = world.egx.do("containers")
    assert other in shown.out
    assert "egx.route.port is '99999', which is no port" in shown.err


def test_a_compose_project_is_followed_scaled_made_anew_and_taken_down(
    world: World, project: Project, engine: docker.DockerClient
) -> None:
    service = f"{project.name}/web"
    project.write("one", "/composed")
    project.compose("up", "-d", "--scale", "web=2")
    await_said(world.port, "/composed", "one")
    found = listed(world.egx, service)
    assert len(found["containers"]) == 2
    assert all(len(own_network(engine, name)) == 1 for name in found["containers"])
    project.write("two", "/composed")
    project.compose("up", "-d", "--scale", "web=1", "--timeout", "0")
    await_said(world.port, "/composed", "two")
    project.compose("down", "--timeout", "0")  # which fails where the project's network is in use
    missing = await_that(lambda: missed(world.egx, service) or None, "it is said to be missing", seconds=45)
    assert "there is no such container" in missing[0]["reason"]
    project.write("three", "/composed")
    project.compose("up", "-d")
    await_said(world.port, "/composed", "three")
    assert len(missed(world.egx, service)) == 1
    world.egx.do("unexpose", service, "--dry-run")


def missed(egx: Egx, service: str) -> list[dict[str, Any]]:
    found = egx.ask("/events", since=0)["items"]
    return [
        event["data"]
        for event in found
        if event["kind"] == "container.missing" and event["data"]["container"] == service
    ]
