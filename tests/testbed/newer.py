"""A newer Docker Engine beside the machine's own, for BuildKit and the API from 1.45 on: unpacked, not installed."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from egx_project.lib import atomic
from tests.testbed import debian
from tests.testbed.engine import START_SECONDS, Engine
from tests.testbed.places import TestbedError, folder, say
from tests.testbed.programs import Service
from tests.testbed.registry import Registry

SUITE = "trixie"
DAEMONS = ("docker.io", "containerd")
PLUGINS = "usr/libexec/docker/cli-plugins"
SERVICE = "dockerd-newer"
REGISTRY_SERVICE = "registry-newer"


@dataclass(frozen=True, kw_only=True)
class Newer:
    """Engine and containers have a network of their own, with no way to the machine's: two engines in one take each
    other's bridge and rules away. The registry is there under the same address.
    """

    socket: str
    engine_version: str
    api_version: str
    docker: str
    """The command, of the same release."""
    docker_config: str
    """What that command has in DOCKER_CONFIG to find buildx and compose."""


class NewerEngine(Engine):
    instead = "run `python -m tests.testbed up --newer` as root, or do without it"

    def __init__(self) -> None:
        self.home = folder("newer")
        super().__init__(str(self.home / "docker.sock"), SERVICE)

    def start(self) -> None:
        say("starting a newer Docker Engine")
        path = os.pathsep.join([*_programs(), os.environ.get("PATH", os.defpath)])
        places = {"data-root": "data", "exec-root": "exec", "pidfile": "docker.pid"}
        options = [f"--{option}={self.home / name}" for option, name in places.items()]
        busybox = debian.unpacked("busybox-static") / "bin/busybox"
        self.service.start(
            [
                *("unshare", "--net", str(busybox), "sh", "-c", '"$0" ip link set lo up && exec "$@"', str(busybox)),
                *("dockerd", f"--host=unix://{self.socket}", *options),
            ],
            answers=lambda: self.answer() is not None,
            seconds=START_SECONDS,
            env={"PATH": path},
        )

    def serve(self, registry: Registry) -> None:
        """The registry, with what is in it, in the engine's network. Raises TestbedError."""
        served = Service(f"{REGISTRY_SERVICE}-{registry.host.rpartition(':')[2]}")
        pid = self.service.pid()
        if pid is None:
            raise TestbedError(f"what answers on {self.socket} was not started by `up`; end it")
        inside = ["nsenter", f"--net=/proc/{pid}/ns/net"]
        probe = [*inside, str(debian.unpacked("busybox-static") / "bin/busybox"), "wget", "-q", "-O-"]

        def answers() -> bool:
            asked = subprocess.run([*probe, f"http://{registry.host}/v2/"], capture_output=True, check=False)
            return asked.returncode == 0

        if not answers():
            served.end()  # one of an engine that has gone
            served.start([*inside, *registry.command()], answers=answers, seconds=START_SECONDS)

    def newer(self, registry: Registry) -> Newer:
        """What is there after it was started. Raises TestbedError."""
        answer = self.up()
        self.serve(registry)
        config = self.home / "config"
        config.mkdir(exist_ok=True)
        plugins = [str(_package(name) / PLUGINS) for name in ("docker-buildx", "docker-compose")]
        atomic.write_json(config / "config.json", {"cliPluginsExtraDirs": plugins})
        return Newer(
            socket=self.socket,
            engine_version=answer.version,
            api_version=answer.api_version,
            docker=str(_package("docker-cli") / "usr/bin/docker"),
            docker_config=str(config),
        )


def _package(name: str) -> Path:
    return debian.unpacked(name, SUITE)


def _programs() -> list[str]:
    # That suite's runc wants that suite's C library.
    packages = [*(_package(name) for name in DAEMONS), debian.unpacked("runc")]
    return [str(package / place) for package in packages for place in ("usr/bin", "usr/sbin")]
