"""What tests on the testbed's Docker Engine share: settings that name its images, and a look for what is left."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deployments.drivers.base import Scope
from deployments.drivers.docker.driver import DockerDriver
from deployments.drivers.docker.settings import DockerSettings
from deployments.drivers.registry import DriverSettings
from egx_project.lib import atomic
from tests.testbed.state import Testbed

VERSIONS = ("1.9.0", "1.8.3")


def settings(found: Testbed, *, volume: str = "") -> dict[str, Any]:
    """Django's, for an EGX on this Engine."""
    return {
        "EGX_DOCKER_HOST": f"unix://{found.socket}",
        "ENVOY_GATEWAY_IMAGE": f"{found.registry}/envoyproxy/gateway",
        "EGX_DOCKER_FILES_IMAGE": f"{found.registry}/busybox:1.36",
        "EGX_DOCKER_VOLUME_PATH": volume,
    }


def driver(home: Path, found: Testbed, *, volume: str = "", reach: str = "auto") -> DockerDriver:
    docker = DockerSettings(
        host=f"unix://{found.socket}",
        gateway_image=f"{found.registry}/envoyproxy/gateway",
        files_image=f"{found.registry}/busybox:1.36",
        volume_path=volume,
        reach=reach,
        healthy_seconds=90,
        drain_seconds=5,
    )
    return DockerDriver(
        DriverSettings(data_dir=home, bind_address="127.0.0.1", envoy_binary="", envoy_concurrency=1, docker=docker)
    )


@contextlib.contextmanager
def home_of(found: Testbed) -> Iterator[Path]:
    """A data directory; whatever it has on the Engine is gone at the end, and nothing of it is left there."""
    home = Path(tempfile.mkdtemp(prefix="egx-"))
    try:
        yield home
    finally:
        made = driver(home, found)
        for key in made.folders.names():
            scope = Scope(key=key, fence=2**40)
            made.fence(scope)
            made.destroy(scope)
        left = leftovers(home, found)
        made.ground.daemon.close()
        shutil.rmtree(home)
    assert not left


def leftovers(home: Path, found: Testbed) -> list[str]:
    """What the Engine has of this installation, as it says itself."""
    installation = atomic.read_json(home / "docker" / "installation.json")
    if installation is None:
        return []
    label = f"label=egx.dev/installation={installation}"
    lists = (["ps", "-aq"], ["network", "ls", "-q"], ["volume", "ls", "-q"])
    said = [
        subprocess.run(
            ["docker", "--host", f"unix://{found.socket}", *words, "--filter", label],
            capture_output=True, text=True, check=True,
        ).stdout.split()
        for words in lists
    ]  # fmt: skip
    return [one for part in said for one in part]
