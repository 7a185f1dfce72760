"""Docker Engine: the one that answers, or one that is installed and started."""

from __future__ import annotations

import os
import shutil
import socket
from typing import NamedTuple

import docker
from docker.errors import DockerException, ImageNotFound

from tests.testbed import debian
from tests.testbed.places import TestbedError, say
from tests.testbed.programs import Service
from tests.testbed.registry import Image

SOCKET = "/var/run/docker.sock"
PACKAGES = ("docker.io", "containerd", "runc", "iptables")
SERVICE = "dockerd"
START_SECONDS = 90.0


class NoEngineError(TestbedError):
    """There is no Docker Engine, and none can be started by this caller."""


class Answer(NamedTuple):
    version: str
    api_version: str


class Engine:
    instead = "start one and join its group, or run as root"
    """What to do where the caller is not root."""

    def __init__(self, address: str = SOCKET, service: str = SERVICE) -> None:
        self.socket = address
        self.service = Service(service)

    def up(self) -> Answer:
        """Started where none answers. Raises TestbedError, as NoEngineError where that is not for this caller to do."""
        answer = self.answer()
        if answer:
            return answer
        if os.geteuid() != 0:
            raise NoEngineError(f"no Docker Engine answers this user on {self.socket}; {self.instead}")
        self.start()
        answer = self.answer()
        if answer is None:
            raise TestbedError(
                f"Docker Engine was started and does not answer on {self.socket}; see {self.service.log}"
            )
        return answer

    def start(self) -> None:
        """As root, where none answers. Raises TestbedError."""
        if shutil.which("dockerd") is None:
            if shutil.which("apt-get") is None:
                raise NoEngineError(
                    "there is no dockerd here, and no apt-get to install it with; install Docker Engine"
                )
            debian.install(*PACKAGES)
        # Where a service manager is, the package has had it started.
        if self.answer() is None:
            say("starting Docker Engine")
            self.service.start(["dockerd"], answers=lambda: self.answer() is not None, seconds=START_SECONDS)

    def answer(self) -> Answer | None:
        if not self._listens():  # what docker's client opens in vain it does not close
            return None
        try:
            client = self.client()
        except DockerException:
            return None
        try:
            said = client.version()
            return Answer(said["Version"], said["ApiVersion"])
        except DockerException:
            return None
        finally:
            client.close()

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.socket) == 0

    def client(self) -> docker.DockerClient:
        """Raises DockerException where no engine answers."""
        return docker.DockerClient(base_url=f"unix://{self.socket}", version="auto", timeout=300)

    def pull(self, image: Image) -> None:
        """Have the image in the engine, under its tag. Raises TestbedError."""
        client = self.client()
        try:
            try:
                if image.pinned in client.images.get(image.reference).attrs["RepoDigests"]:
                    return
            except ImageNotFound:
                pass
            repository, _, tag = image.reference.rpartition(":")
            client.images.pull(repository, tag=tag)
        except DockerException as error:
            raise TestbedError(f"the engine cannot pull {image.reference}: {error}") from error
        finally:
            client.close()
