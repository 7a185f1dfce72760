"""Containers as users have them, and an EGX beside them."""

from __future__ import annotations

import contextlib
import http.client
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import docker
from docker.models.containers import Container
from docker.models.networks import Network

from tests.e2e.running import Egx, await_that, quiet_port
from tests.testbed.state import Testbed

SERVES = "mkdir -p /w/sub && echo $0 > /w/index.html && echo $0 sub > /w/sub/index.html && exec httpd -f -p 8000 -h /w"
"""A web server that says a word."""


@dataclass
class Users:
    """What a test makes on an Engine, all of it taken away at its end."""

    engine: docker.DockerClient
    image: str
    prefix: str = field(default_factory=lambda: f"egxtest-{secrets.token_hex(3)}")
    containers: list[str] = field(default_factory=list)
    networks: list[Network] = field(default_factory=list)

    def network(self, name: str = "zz", **options: Any) -> Network:
        """Its name is after that of EGX's, as a `shop_default` could be: Docker prefers what sorts first."""
        made = self.engine.networks.create(f"zz-{self.prefix}-{name}", driver="bridge", **options)
        self.networks.append(made)
        return made

    def run(self, name: str, says: str, *, whole_name: str = "", **options: Any) -> Container:
        """A container that listens on 8000; `options` are those of `docker run`."""
        called = whole_name or f"{self.prefix}-{name}"
        self.containers.append(called)
        command = ["/bin/sh", "-c", SERVES, says]
        given = {"ports": {"8000/tcp": None}, "network": self.home, "stop_signal": "SIGKILL", **options}
        return self.engine.containers.run(self.image, command, name=called, entrypoint=[], detach=True, **given)

    @property
    def home(self) -> str:
        return str((self.networks[0] if self.networks else self.network()).name)

    def take_away(self) -> None:
        for name in self.containers:
            with contextlib.suppress(docker.errors.NotFound):
                self.engine.containers.get(name).remove(force=True)
        for network in self.networks:
            with contextlib.suppress(docker.errors.NotFound):
                network.remove()


@contextlib.contextmanager
def users(engine: docker.DockerClient, testbed: Testbed) -> Iterator[Users]:
    made = Users(engine=engine, image=testbed.images["busybox"].pinned)
    try:
        yield made
    finally:
        made.take_away()


@contextlib.contextmanager
def egx_with_docker(testbed: Testbed, **settings: str) -> Iterator[Egx]:
    """An EGX that runs, whose gateways in Docker go when it does."""
    image = testbed.images["gateway-v1.9.0"].reference
    own = {
        "ENVOY_GATEWAY_IMAGE": image,
        "EGX_DOCKER_FILES_IMAGE": testbed.images["busybox"].reference,
        "EGX_DOCKER_HOST": f"unix://{testbed.socket}",
        "EGX_STEADY_SECONDS": "0.2",
        "EGX_SETTLING_SECONDS": "0.5",
        "EGX_DRAIN_SECONDS": "1",
    }
    with Egx(**{**own, **settings}) as egx:
        egx.do("up", "-d", "--no-demo")
        try:
            yield egx
        finally:
            if not egx.run("status").code:
                for gateway in egx.ask("/gateways")["items"]:
                    egx.run("remove", gateway["name"], "-y")


def said(port: int, path: str = "/", *, host: str = "localhost") -> str:
    """What answers at the path; empty where nothing does as it should."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", path, headers={"host": host})
            answer = connection.getresponse()
            return answer.read().decode().strip() if answer.status == http.HTTPStatus.OK else ""
        except (OSError, http.client.HTTPException):
            return ""


def await_said(port: int, path: str, words: str, *, seconds: float = 30.0, host: str = "localhost") -> None:
    await_that(lambda: said(port, path, host=host) == words or None, f"{path} says {words!r}", seconds=seconds)


def own_network(engine: docker.DockerClient, container: str) -> list[str]:
    """EGX's networks that the container is in."""
    found = engine.api.inspect_container(container)["NetworkSettings"]["Networks"]
    return sorted(name for name in found if name.startswith("egx-"))


def as_it_was(engine: docker.DockerClient, container: str) -> dict[str, Any]:
    """All that Docker says of a container."""
    return dict(engine.api.inspect_container(container))


__all__ = ["Users", "as_it_was", "await_said", "egx_with_docker", "own_network", "quiet_port", "said", "users"]
