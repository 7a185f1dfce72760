"""An Engine of a test's own with the containerd image store, from Debian's packages that the testbed has unpacked.

It has a network of its own, with a registry in it: two Engines in one network take each other's bridge away.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.errors import APIError, DockerException

from egx_project.lib.clock import SystemClock, wait_for
from tests.docker import building, programs

UNPACKED = Path.home() / ".cache/egx-testbed/debian"
PLACES = ("trixie/docker.io/usr/sbin", "trixie/docker.io/usr/bin", "trixie/containerd/usr/bin", "runc/usr/sbin")
REGISTRY = "127.0.0.1:5000"
"""As the Engine sees it."""
START_SECONDS = 60.0
START = '"$0" ip link set lo up && { "$1" serve "$2" & shift 2; exec dockerd "$@"; }'


def missing() -> str:
    """Why it cannot be started here; empty where it can."""
    if os.geteuid() != 0:
        return "only root starts a Docker Engine"
    lacking = [place for place in PLACES[:3] if not (UNPACKED / place).is_dir()]
    if lacking:
        return f"{UNPACKED} has no {', '.join(lacking)}"
    return "" if shutil.which("unshare") else "there is no unshare"


@contextmanager
def engine(folder: Path, *, storage: Path | None = None) -> Iterator[str]:
    """Its address. `storage`: what its registry has."""
    config, registry = folder / "daemon.json", building.registry_config(folder, REGISTRY, storage=storage)
    config.write_text(json.dumps({"features": {"containerd-snapshotter": True}}))
    host = f"unix://{folder}/docker.sock"
    path = os.pathsep.join([*(str(UNPACKED / place) for place in PLACES), os.environ.get("PATH", os.defpath)])
    places = [f"--{option}={folder / option}" for option in ("data-root", "exec-root", "pidfile")]
    busybox = str(programs.busybox())
    argv = [
        *("unshare", "--net", busybox, "sh", "-c", START, busybox, programs.registry(), str(registry)),
        *(f"--config-file={config}", f"--host={host}", *places),
    ]
    with (folder / "log").open("wb") as log:
        environment = {**os.environ, "PATH": path}
        process = subprocess.Popen(argv, stdout=log, stderr=log, env=environment, start_new_session=True)
    try:
        assert wait_for(lambda: _answers(folder, host) or None, clock=SystemClock(), seconds=START_SECONDS), (
            folder / "log"
        ).read_text()[-2000:]
        yield host
    finally:
        process.terminate()
        process.wait()
        os.killpg(process.pid, signal.SIGTERM)  # the registry, which it was started with


def _answers(folder: Path, host: str) -> bool:
    """Engine and registry."""
    if not (folder / "docker.sock").exists():
        return False
    try:
        client = docker.APIClient(base_url=host, version="1.44")
        try:
            client.inspect_distribution(f"{REGISTRY}/nothing:1")  # type: ignore[no-untyped-call]
        finally:
            client.close()
    except APIError as error:
        return "connection refused" not in str(error)
    except DockerException:
        return False
    return True
