"""The same engines changed by others: by Compose, which recreates the container, and by docker-rollout's method.

Both run the real Envoy Gateway in standalone mode from the images that EGX runs, with the Envoy that each wants.
"""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import docker
import yaml

from bench import proxying
from bench.rig import MissingError, await_answer, backend_process, free_port, short_folder
from bench.rivals import Peer
from egx_project.lib.clock import SystemClock, wait_for
from tests.testbed.state import Testbed

INSIDE = "/tmp/envoy-gateway"  # noqa: S108 - where Envoy Gateway's documentation mounts its folder
LISTENS = 10080
USER = "65532:65532"
WITHOUT_HEALTHCHECK = 10.0
"""How long docker-rollout waits for a container whose image says nothing of its health; Envoy Gateway's has no shell
that a check could run in."""
SERVES_SECONDS = 60.0
ENVOYS = {"1.8.3": "1.38.3", "1.9.0": "1.39.0"}
CLOCK = SystemClock()
CONTROLLER = "gateway.envoyproxy.io/gatewayclass-controller"


@dataclass
class Project:
    """A Compose project in a folder, and the command that changes it."""

    folder: Path
    testbed: Testbed
    port: int
    versions: tuple[str, str]
    to: int = 0

    @property
    def environment(self) -> dict[str, str]:
        image = self.testbed.images[f"gateway-v{self.versions[self.to]}"].reference
        newer = self.testbed.newer
        config = newer.docker_config if newer else ""
        return {**os.environ, "DOCKER_HOST": f"unix://{self.testbed.socket}", "DOCKER_CONFIG": config, "GATEWAY": image}

    def argv(self, *words: str) -> list[str]:
        newer = self.testbed.newer
        if newer is None:
            raise MissingError("Compose is not here: `python -m tests.testbed up --newer`")
        return [newer.docker, *words]

    def run(self, *words: str) -> str:
        done = subprocess.run(
            self.argv(*words), cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"docker {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def up(self, *more: str) -> None:
        self.run("compose", "up", "--detach", *more)

    def containers(self) -> list[str]:
        return self.run("compose", "ps", "--quiet", "gateway").split()

    def running(self, container: str) -> bool:
        return self.run("inspect", "--format", "{{.State.Running}}", container).strip() == "true"


@dataclass
class Recreated:
    """`docker compose up -d` after the image in it has changed."""

    project: Project

    @property
    def port(self) -> int:
        return self.project.port

    def switch(self) -> None:
        self.project.to = 1 - self.project.to
        self.project.up()

    def switch_half(self) -> None:
        """Killed when the old container is stopped and the new one not started."""
        project = self.project
        (old,) = project.containers()
        project.to = 1 - project.to
        argv = project.argv("compose", "up", "--detach")
        quiet = subprocess.DEVNULL
        asking = subprocess.Popen(argv, cwd=project.folder, env=project.environment, stdout=quiet, stderr=quiet)
        wait_for(lambda: not project.running(old) or None, clock=CLOCK, seconds=SERVES_SECONDS, every=0.01)
        asking.kill()
        asking.wait()


@dataclass
class RolledOut:
    """Twice as many containers, a wait, the old ones stopped and removed; a proxy in front that asks Docker's DNS."""

    project: Project

    @property
    def port(self) -> int:
        return self.project.port

    def switch(self) -> None:
        old = self._scaled()
        began = time.monotonic()
        wait_for(lambda: None, clock=CLOCK, seconds=WITHOUT_HEALTHCHECK - (time.monotonic() - began))
        self.project.run("stop", *old)
        self.project.run("rm", *old)

    def switch_half(self) -> None:
        """Killed while it waits: both serve from then on."""
        self._scaled()

    def _scaled(self) -> list[str]:
        self.project.to = 1 - self.project.to
        old = self.project.containers()
        self.project.up("--scale", f"gateway={2 * len(old)}", "--no-recreate", "gateway")
        return old


@contextmanager
def recreated(testbed: Testbed, versions: tuple[str, str]) -> Iterator[Peer]:
    with _project(testbed, versions, published=True) as project:
        yield Recreated(project)


@contextmanager
def rolled_out(testbed: Testbed, versions: tuple[str, str]) -> Iterator[Peer]:
    with _project(testbed, versions, published=False) as project:
        yield RolledOut(project)


@contextmanager
def _project(testbed: Testbed, versions: tuple[str, str], *, published: bool) -> Iterator[Project]:
    """`published`: the engine has the port itself; else a proxy in front has it."""
    with short_folder() as folder, backend_process("0.0.0.0") as backend:  # noqa: S104 - containers reach it
        project = Project(folder, testbed, free_port(), versions)
        _fill(folder, testbed, backend)
        services = _services(testbed, project.port, published=published)
        (folder / "compose.yaml").write_text(yaml.safe_dump({"name": folder.name.lower(), "services": services}))
        try:
            project.run("compose", "run", "--rm", "certificates")
            project.up("gateway", *([] if published else ["front"]))
            await_answer(project.port)
            yield project
        finally:
            project.run("compose", "--profile", "*", "down", "--volumes", "--timeout", "1")


def _services(testbed: Testbed, port: int, *, published: bool) -> dict[str, Any]:
    engine = {
        "image": "${GATEWAY}",
        "user": USER,
        "environment": {"HOME": "/home/nonroot"},
        "volumes": [f"./data:{INSIDE}"],
        "extra_hosts": ["host.docker.internal:host-gateway"],
    }
    ports = {"ports": [f"127.0.0.1:{port}:{LISTENS}"]}
    gateway = {
        **engine,
        "command": ["server", "--config-path", f"{INSIDE}/engine.yaml"],
        "tmpfs": ["/eg:uid=65532,gid=65532,mode=0700"],
        **(ports if published else {}),
    }
    certificates = {
        **engine,
        "command": ["certgen", "--local", "--config-home", f"{INSIDE}/conf"],
        "profiles": ["once"],
    }
    front = {
        "image": testbed.images[f"envoy-{ENVOYS['1.9.0']}"].reference,
        "entrypoint": ["/usr/local/bin/envoy", "--config-path", f"{INSIDE}/front.json", "--concurrency", "2"],
        "volumes": [f"./data:{INSIDE}:ro"],
        **ports,
    }
    return {"gateway": gateway, "certificates": certificates} | ({} if published else {"front": front})


def _fill(folder: Path, testbed: Testbed, backend: int) -> None:
    """The folder that the containers mount."""
    data = folder / "data"
    for place in ("cfg", "conf"):
        (data / place).mkdir(parents=True)
    for version in ENVOYS.values():
        binary = data / "home/envoy-versions" / version / "bin/envoy"
        binary.parent.mkdir(parents=True)
        binary.write_bytes(_envoy(testbed, version))
        binary.chmod(0o755)
    (data / "engine.yaml").write_text(yaml.safe_dump(engine()))
    (data / "cfg/all.yaml").write_text("---\n".join(yaml.safe_dump(one) for one in objects(backend)))
    front = proxying.config(("0.0.0.0", LISTENS), ("gateway", LISTENS), dns_refresh="1s")  # noqa: S104 - in a container
    (data / "front.json").write_text(json.dumps(front))
    for opened in (folder, *folder.rglob("*")):
        if opened.is_dir():
            opened.chmod(0o777)


def _envoy(testbed: Testbed, version: str) -> bytes:
    client = docker.DockerClient(base_url=f"unix://{testbed.socket}")
    container = client.containers.create(testbed.images[f"envoy-{version}"].reference)
    try:
        chunks, _stat = container.get_archive("/usr/local/bin/envoy")
        with tarfile.open(fileobj=BytesIO(b"".join(chunks))) as archive:
            found = archive.extractfile("envoy")
            assert found is not None
            return found.read()
    finally:
        container.remove()
        client.close()


def engine() -> Mapping[str, Any]:
    host = {"configHome": f"{INSIDE}/conf", "dataHome": f"{INSIDE}/home", "stateHome": "/eg/state", "runtimeDir": "/eg"}
    return {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "EnvoyGateway",
        "gateway": {"controllerName": CONTROLLER},
        "provider": {
            "type": "Custom",
            "custom": {
                "resource": {"type": "File", "file": {"paths": [f"{INSIDE}/cfg"]}},
                "infrastructure": {"type": "Host", "host": host},
            },
        },
        "logging": {"level": {"default": "error"}},
        "extensionApis": {"enableBackend": True},
    }


def objects(backend: int) -> list[dict[str, Any]]:
    """What a gateway of EGX says, as Envoy Gateway reads it."""
    quiet = {"telemetry": {"accessLog": {"disable": True}}}
    parameters = {"group": "gateway.envoyproxy.io", "kind": "EnvoyProxy", "name": "quiet", "namespace": "default"}
    listener = {"name": "http", "port": LISTENS, "protocol": "HTTP"}
    endpoint = {"fqdn": {"hostname": "host.docker.internal", "port": backend}}
    reference = {"group": "gateway.envoyproxy.io", "kind": "Backend", "name": "web"}
    kinds = (
        (
            "gateway.networking.k8s.io/v1",
            "GatewayClass",
            "eg",
            {"controllerName": CONTROLLER, "parametersRef": parameters},
        ),
        ("gateway.envoyproxy.io/v1alpha1", "EnvoyProxy", "quiet", quiet),
        ("gateway.networking.k8s.io/v1", "Gateway", "eg", {"gatewayClassName": "eg", "listeners": [listener]}),
        ("gateway.envoyproxy.io/v1alpha1", "Backend", "web", {"endpoints": [endpoint]}),
        (
            "gateway.networking.k8s.io/v1",
            "HTTPRoute",
            "web",
            {"parentRefs": [{"name": "eg"}], "rules": [{"backendRefs": [reference]}]},
        ),
    )
    return [
        {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": name} | ({} if kind == "GatewayClass" else {"namespace": "default"}),
            "spec": spec,
        }
        for version, kind, name, spec in kinds
    ]
