"""An Engine of a test's own with the containerd image store, from Debian's packages that the testbed has unpacked."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.errors import DockerException

from egx_project.lib.clock import SystemClock, wait_for

UNPACKED = Path.home() / ".cache/egx-testbed/debian"
PLACES = ("trixie/docker.io/usr/sbin", "trixie/docker.io/usr/bin", "trixie/containerd/usr/bin", "runc/usr/sbin")
START_SECONDS = 60.0


def missing() -> str:
    """Why it cannot be started here; empty where it can."""
    if os.geteuid() != 0:
        return "only root starts a Docker Engine"
    lacking = [place for place in PLACES[:3] if not (UNPACKED / place).is_dir()]
    return f"{UNPACKED} has no {', '.join(lacking)}" if lacking else ""


@contextmanager
def engine(folder: Path) -> Iterator[str]:
    """Its address."""
    config = folder / "daemon.json"
    config.write_text(json.dumps({"features": {"containerd-snapshotter": True}}))
    host = f"unix://{folder}/docker.sock"
    path = os.pathsep.join([*(str(UNPACKED / place) for place in PLACES), os.environ.get("PATH", os.defpath)])
    places = [f"--{option}={folder / option}" for option in ("data-root", "exec-root", "pidfile")]
    argv = [
        *("dockerd", f"--config-file={config}", f"--host={host}", "--bridge=none", "--iptables=false"),
        *("--ip6tables=false", *places),
    ]
    with (folder / "log").open("wb") as log:
        environment = {**os.environ, "PATH": path}
        dockerd = str(UNPACKED / PLACES[0] / "dockerd")
        process = subprocess.Popen([dockerd, *argv[1:]], stdout=log, stderr=log, env=environment)
    try:
        assert wait_for(lambda: _answers(folder, host) or None, clock=SystemClock(), seconds=START_SECONDS), (
            folder / "log"
        ).read_text()[-2000:]
        yield host
    finally:
        process.terminate()
        process.wait()


def _answers(folder: Path, host: str) -> bool:
    if not (folder / "docker.sock").exists():
        return False
    try:
        client = docker.APIClient(base_url=host, version="1.44")
        try:
            return bool(client.ping())
        finally:
            client.close()
    except DockerException:
        return False
