"""What tests of builds need: an Engine that is left as it was, tiny sources, a registry, and builds carried out."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
import httpx
from django.conf import settings
from docker.errors import DockerException, ImageNotFound

from deployments import builds
from deployments.builds import Wish
from deployments.drivers.docker import build_argv
from deployments.drivers.docker.builder import HOST, OWN_NAME
from deployments.models import Operation
from egx_project.lib.clock import SystemClock, wait_for
from gateways.models import Target, TargetKind
from gateways.services import ensure_target
from tests import builders, hosts
from tests.docker import programs

UNPACKED = Path.home() / ".cache/egx-testbed"
UNPACKED_BUILDX = (
    UNPACKED / "debian/trixie/docker-buildx/usr/libexec/docker/cli-plugins/docker-buildx",
    UNPACKED / "buildx/docker-buildx",
)
START_SECONDS = 20.0
SCRATCH = "FROM scratch\nARG VERSION\nARG BUILD_DATE\nARG GIT_COMMIT\nCOPY hello /hello\n"
LABELLED = SCRATCH + "LABEL org.version=$VERSION org.date=$BUILD_DATE org.commit=$GIT_COMMIT\n"


def missing() -> str:
    """Why images cannot be built here; empty where they can."""
    try:
        client = docker.APIClient(base_url=HOST, version="auto")
    except DockerException as error:
        return f"no Docker Engine answers at {HOST}: {error}"
    client.close()
    return ""


def buildx() -> str:
    """The plugin that is here, if any: installed, or unpacked for tests."""
    return build_argv.find_buildx("") or next((str(file) for file in UNPACKED_BUILDX if file.exists()), "")


@contextmanager
def engine() -> Iterator[docker.APIClient]:
    """The Engine; what has been tagged or built in between as a test's own goes again."""
    client = docker.APIClient(base_url=HOST, version="auto")
    try:
        yield client
    finally:
        for image in client.images():
            for name in (*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())):
                if name.startswith(f"{PREFIX}/") or f"/{PREFIX}/" in name:
                    with suppress(ImageNotFound):  # it went with the name before
                        client.remove_image(name, force=True)
        client.close()


PREFIX = f"egx-test-{os.getpid()}-{uuid.uuid4().hex[:6]}"
"""Of the names of this run's images."""


def name(of: str) -> str:
    return f"{PREFIX}/{of}"


def source(folder: Path, dockerfile: str, **files: str) -> Path:
    """A folder to build from."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Dockerfile").write_text(dockerfile)
    for file, text in {"hello": "hello\n", **files}.items():
        (folder / file).write_text(text)
    return folder


def base(client: docker.APIClient) -> str:
    """An image with a shell, made here from Debian's static busybox."""
    wanted = name("base:1")
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        tar.add(programs.busybox(), arcname="bin/busybox")
        link = tarfile.TarInfo("bin/sh")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        tar.addfile(link)
    client.import_image_from_data(content.getvalue(), repository=wanted.split(":")[0], tag="1")
    return wanted


def target() -> Target:
    return ensure_target(name="docker", kind=TargetKind.DOCKER, node="test")


def ask(folder: Path | str, image: str, **wish: Any) -> Operation:
    target()
    return builds.request_build(wish=Wish(name=image, source=str(folder), **wish), by="tester", anywhere=True)


def build(folder: Path | str, image: str, **wish: Any) -> Operation:
    return builders.carry_out(ask(folder, image, **wish))


def left(client: docker.APIClient, key: str) -> list[str]:
    """What a build has left that it should not: its own name, and containers that still build."""
    return [tag for image in client.images() for tag in image["RepoTags"] or () if tag == f"{OWN_NAME}:{key}"]


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """A registry of the test's own, on loopback: its host and port."""
    host = f"127.0.0.1:{hosts.free_port()}"
    config = registry_config(folder, host)
    process = subprocess.Popen(
        [programs.registry(), "serve", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert wait_for(lambda: _answers(host) or None, clock=SystemClock(), seconds=START_SECONDS)
        yield host
    finally:
        process.terminate()
        process.wait()


def registry_config(folder: Path, host: str, *, storage: Path | None = None) -> Path:
    """`storage`: of a registry that is there already; else one of its own, empty."""
    config, root = folder / "registry.yml", storage or folder / "registry"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {root}}}}}\n"
        f"http: {{addr: '{host}'}}\n"
    )
    return config


def _answers(host: str) -> bool:
    try:
        return httpx.get(f"http://{host}/v2/").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def tags(host: str, repository: str) -> list[str]:
    answer = httpx.get(f"http://{host}/v2/{repository}/tags/list")
    return list(answer.json().get("tags") or []) if answer.status_code == httpx.codes.OK else []


def desk(key: str) -> Path:
    """Where the build of the key keeps its own."""
    return Path(settings.EGX_DATA_DIR) / "builds" / key
