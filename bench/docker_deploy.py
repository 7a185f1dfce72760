"""A first gateway in Docker: by `egx apply`, and the same containers by the plain Docker API, in turns."""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import docker
import yaml
from docker.types import IPAMConfig, IPAMPool, Mount

from bench import compose, manifests
from bench import docker as on_docker
from bench.report import Figure, median
from bench.rig import await_answer, backend_process, egx, free_port, short_folder
from deployments.drivers.docker import addresses
from tests.testbed.state import Testbed

ROUNDS = 5
VERSION, ENVOY = "1.9.0", "1.39.0"
UID = 65532
TCP_PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"


def measure() -> Iterator[Figure]:
    testbed = on_docker.testbed()
    ours, plain = [], []
    with backend_process("0.0.0.0") as backend:  # noqa: S104 - containers reach it
        for _round in range(ROUNDS):
            plain.append(_plain(testbed, backend))
            ours.append(_egx(testbed, backend))
    yield Figure("first gateway by the plain Docker API, until it serves", median(plain), "s", how=_listed(plain))
    yield Figure("by egx apply, until it serves", median(ours), "s", how=_listed(ours))
    yield Figure("ratio", median(ours) / median(plain), at_most=1.3, how="of the medians")


def _listed(seconds: list[float]) -> str:
    return ", ".join(f"{one:.2f}" for one in seconds)


def _egx(testbed: Testbed, backend: int) -> float:
    """An installation of its own: network, volume and Envoy's copy come with the first gateway."""
    with egx(**on_docker.settings(testbed)) as running:
        port = free_port()
        with _served(port) as took:
            running.apply(manifests.gateway(port, backend) + manifests.route(), target=on_docker.TARGET)
        running.settle()
        with running.client() as client:
            client.delete(f"/gateways/{manifests.NAME}")
        running.settle()
    return took()


@contextlib.contextmanager
def _served(port: int) -> Iterator[Callable[[], float]]:
    """How many seconds after the beginning of the block a client that asks all the time was answered.

    It asks in both ways: a request that comes before a new container answers may hold up those after it for a second.
    """
    began = time.monotonic()

    def answered_after() -> float:
        await_answer(port)
        return time.monotonic() - began

    with ThreadPoolExecutor(1) as pool:
        answered = pool.submit(answered_after)
        yield answered.result


@dataclass
class Plain:
    """What the gateway is made of, by the calls that anybody would make."""

    client: docker.DockerClient
    testbed: Testbed
    name: str
    port: int
    backend: int

    def deploy(self) -> None:
        subnet = addresses.free_subnet(self._subnets())
        pools = IPAMConfig(pool_configs=[IPAMPool(subnet=subnet, gateway=addresses.host_address(subnet))])
        self.client.networks.create(self.name, driver="bridge", ipam=pools)
        self.client.volumes.create(self.name)
        address = addresses.free_address(1, (), subnet)
        self._which_envoy()
        self._fill(address)
        self._certificates()
        self._slot(address)
        self._await_slot(address)
        self._edge()

    def _subnets(self) -> list[str]:
        return [
            config["Subnet"]
            for network in self.client.networks.list()
            for config in (network.attrs.get("IPAM") or {}).get("Config") or ()
            if config.get("Subnet")
        ]

    @property
    def _volume(self) -> Mount:
        return Mount(target=compose.INSIDE, source=self.name, type="volume")

    def _image(self, name: str) -> str:
        return self.testbed.images[name].reference

    def _fill(self, address: str) -> None:
        """Through a container that is never started."""
        files = self.client.containers.create(self._image("busybox"), name=f"{self.name}-files", mounts=[self._volume])
        envoy = self.client.containers.create(self._image(f"envoy-{ENVOY}"), name=f"{self.name}-envoy")
        objects = "---\n".join(yaml.safe_dump(one) for one in compose.objects(self.backend))
        files.put_archive(
            compose.INSIDE,
            _archive(
                {
                    "cfg/all.yaml": objects.encode(),
                    "engine.yaml": yaml.safe_dump(compose.engine()).encode(),
                    "edge.json": json.dumps(_edge(self.port, address)).encode(),
                },
                folders=("conf", "cfg", "home", "home/envoy-versions", f"home/envoy-versions/{ENVOY}",
                         f"home/envoy-versions/{ENVOY}/bin"),
            ),
        )  # fmt: skip
        chunks, _stat = envoy.get_archive("/usr/local/bin/envoy")
        files.put_archive(f"{compose.INSIDE}/home/envoy-versions/{ENVOY}/bin", chunks)
        envoy.remove()
        files.remove()

    def _which_envoy(self) -> None:
        """The engine says itself which one it drives."""
        said = self.client.containers.run(
            self._image(f"gateway-v{VERSION}"), ["version"], environment={"HOME": "/home/nonroot"}, remove=True
        )
        if ENVOY not in said.decode():
            raise RuntimeError(f"Envoy Gateway {VERSION} does not drive Envoy {ENVOY}: {said.decode()}")

    def _certificates(self) -> None:
        self.client.containers.run(
            self._image(f"gateway-v{VERSION}"),
            ["certgen", "--local", "--config-home", f"{compose.INSIDE}/conf"],
            mounts=[self._volume],
            user=compose.USER,
            environment={"HOME": "/home/nonroot"},
            remove=True,
        )

    def _slot(self, address: str) -> None:
        api = self.client.api
        made = api.create_container(
            self._image(f"gateway-v{VERSION}"),
            ["server", "--config-path", f"{compose.INSIDE}/engine.yaml"],
            name=f"{self.name}-slot",
            user=compose.USER,
            environment={"HOME": "/home/nonroot"},
            host_config=api.create_host_config(
                mounts=[self._volume],
                tmpfs={"/eg": f"uid={UID},gid={UID}"},
                extra_hosts={"host.docker.internal": "host-gateway"},
            ),
            networking_config={"EndpointsConfig": {self.name: api.create_endpoint_config(ipv4_address=address)}},
        )
        api.start(made["Id"])

    def _await_slot(self, address: str) -> None:
        await_answer(compose.LISTENS, host=address)

    def _edge(self) -> None:
        self.client.containers.run(
            self._image(f"envoy-{ENVOY}"),
            entrypoint=["/usr/local/bin/envoy", "--config-path", f"{compose.INSIDE}/edge.json", "--concurrency", "1"],
            name=f"{self.name}-edge",
            network=self.name,
            mounts=[self._volume],
            ports={f"{self.port}/tcp": ("127.0.0.1", self.port)},
            detach=True,
        )

    def remove(self) -> None:
        for name in ("files", "envoy", "slot", "edge"):
            with contextlib.suppress(docker.errors.NotFound):
                self.client.containers.get(f"{self.name}-{name}").remove(force=True)
        with contextlib.suppress(docker.errors.NotFound):
            self.client.networks.get(self.name).remove()
        with contextlib.suppress(docker.errors.NotFound):
            self.client.volumes.get(self.name).remove()


def _plain(testbed: Testbed, backend: int) -> float:
    with short_folder() as folder, contextlib.closing(docker.DockerClient(f"unix://{testbed.socket}")) as client:
        plain = Plain(client, testbed, folder.name, free_port(), backend)
        try:
            with _served(plain.port) as took:
                plain.deploy()
            return took()
        finally:
            plain.remove()


def _archive(files: Mapping[str, bytes], *, folders: tuple[str, ...]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in folders:
            found = tarfile.TarInfo(name)
            found.type, found.mode, found.uid, found.gid = tarfile.DIRTYPE, 0o755, UID, UID
            archive.addfile(found)
        for name, content in files.items():
            found = tarfile.TarInfo(name)
            found.size, found.uid, found.gid = len(content), UID, UID
            archive.addfile(found, io.BytesIO(content))
    return packed.getvalue()


def _edge(port: int, address: str) -> dict[str, Any]:
    """TCP from the published port to the slot."""

    def at(host: str, number: int) -> dict[str, Any]:
        return {"address": {"socket_address": {"address": host, "port_value": number}}}

    proxy = {"@type": TCP_PROXY, "stat_prefix": "slot", "cluster": "slot"}
    filters = [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]
    listener = {"name": "edge", **at("0.0.0.0", port), "filter_chains": [{"filters": filters}]}  # noqa: S104 - in a container
    endpoints = [{"lb_endpoints": [{"endpoint": at(address, compose.LISTENS)}]}]
    cluster = {"name": "slot", "load_assignment": {"cluster_name": "slot", "endpoints": endpoints}}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}
