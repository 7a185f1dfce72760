from __future__ import annotations

import os
import subprocess
import uuid
from pathlib import Path

import docker
import pytest
from docker.types import Mount

from tests.testbed.newer import Newer
from tests.testbed.state import Testbed

pytestmark = pytest.mark.docker


def command(newer: Newer, *arguments: str, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [newer.docker, *arguments],
        env={**os.environ, "DOCKER_HOST": f"unix://{newer.socket}", "DOCKER_CONFIG": newer.docker_config},
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_mounts_a_folder_of_a_volume(testbed: Testbed, newer_engine: docker.DockerClient) -> None:
    image = testbed.images["busybox"]
    newer_engine.images.pull(image.pinned)
    volume = newer_engine.volumes.create(f"egx-testbed-{uuid.uuid4().hex}")
    try:
        whole = {volume.name: {"bind": "/whole", "mode": "rw"}}
        fill = ["sh", "-c", "mkdir -p /whole/part && echo here > /whole/part/file"]
        newer_engine.containers.run(image.pinned, fill, volumes=whole, remove=True)
        # What docker's client for Python has no word for is a mapping of the API's.
        part = Mount(target="/part", source=volume.name)
        part["VolumeOptions"] = {"Subpath": "part"}
        read = newer_engine.containers.run(image.pinned, ["cat", "/part/file"], mounts=[part], remove=True)
        assert read == b"here\n"
    finally:
        volume.remove()


def test_it_builds_with_buildkit(testbed: Testbed, newer: Newer, tmp_path: Path) -> None:
    tag = f"egx-testbed-{uuid.uuid4().hex}"
    (tmp_path / "Dockerfile").write_text(
        f"FROM {testbed.images['busybox'].pinned}\n"
        "RUN --mount=type=cache,target=/cached echo built > /made\n"
        'CMD ["cat", "/made"]\n'
    )
    command(newer, "buildx", "build", "--quiet", "--tag", tag, ".", cwd=tmp_path)
    try:
        assert command(newer, "run", "--rm", tag) == "built\n"
    finally:
        command(newer, "image", "rm", tag)


def test_its_compose_reads_a_project(testbed: Testbed, newer: Newer, tmp_path: Path) -> None:
    image = testbed.images["busybox"].pinned
    (tmp_path / "compose.yaml").write_text(f"services: {{one: {{image: '{image}', command: [echo, composed]}}}}\n")
    project = f"egx-testbed-{uuid.uuid4().hex}"
    try:
        assert "composed" in command(newer, "compose", "-p", project, "up", "--no-color", cwd=tmp_path)
    finally:
        command(newer, "compose", "-p", project, "down", cwd=tmp_path)
