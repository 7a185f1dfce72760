"""What each of EGX's containers is made of. Pure: the Engine API's own words (`POST /containers/create`), no asking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployments.drivers.docker import layout
from deployments.drivers.docker.names import Names, Role
from deployments.drivers.docker.records import Image, Record, Revision

Spec = dict[str, Any]

LOG = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
"""An engine logs without end; 30 MB of it are kept."""
HOST_ALIAS = "host.docker.internal:host-gateway"
CPU_PERIOD = 100_000
DOOR_PORT = 8444
MEBIBYTE = 1 << 20
PULSE = "while :; do sleep 3600 & wait $!; done"
"""What keeps the writer of files alive; `wait` lets it end at once when it is told to."""


@dataclass(frozen=True)
class Resources:
    """Of one container of an engine. 0 is no limit."""

    cpu_request: float = 0.1
    """Of one CPU, where CPUs are short."""
    cpu_limit: float = 0.0
    memory_request: int = 128
    """MiB."""
    memory_limit: int = 512
    """MiB."""


@dataclass(frozen=True)
class Place:
    """Where an installation's containers go."""

    names: Names
    subpaths: bool = False
    """Whether the Engine mounts a folder of a volume (API 1.45): then a gateway's containers see its own alone."""


def slot(record: Record, key: str, revision: Revision, *, place: Place, resources: Resources, cpus: int = 1) -> Spec:
    home = layout.inside(layout.revision(key, revision.number))
    return {
        "Image": revision.engine.reference,
        "Cmd": ["server", "--config-path", f"{home}/{layout.ENGINE_CONFIG}"],
        "User": f"{layout.USER}:{layout.USER}",
        # A controller that starts would take every core from the Envoy that serves beside it.
        "Env": ["HOME=/home/nonroot", f"GOMAXPROCS={max(1, cpus // 2)}"],
        "Hostname": f"{revision.slot}-{revision.number}",
        "Labels": place.names.labels(
            Role.SLOT,
            gateway=key,
            name=record.name,
            slot=revision.slot,
            revision=revision.number,
            version=revision.engine.version,
            digest=revision.engine.digest,
            fence=revision.fence,
        ),
        "HostConfig": {
            **_host(place, key, also=(layout.envoys(revision.envoy.digest),)),
            **_limits(resources),
            "RestartPolicy": {"Name": "unless-stopped"},
            "ExtraHosts": [HOST_ALIAS],
        },
        "NetworkingConfig": _network(place, address=revision.address),
    }


def edge(record: Record, key: str, port: int, envoy: Image, *, place: Place, bind: str, concurrency: int) -> Spec:
    home = layout.inside(layout.edge(key, port))
    published = f"{port}/tcp"
    return {
        "Image": envoy.reference,
        "Entrypoint": ["/usr/local/bin/envoy"],
        "Cmd": [
            "--config-path", f"{home}/boot.json",
            "--concurrency", str(concurrency),
            "--disable-hot-restart",
            "--drain-time-s", "5",
            "--log-level", "warning",
        ],
        "User": f"{layout.USER}:{layout.USER}",
        "Hostname": f"edge-{port}",
        "ExposedPorts": {published: {}},
        "Labels": place.names.labels(
            Role.EDGE, gateway=key, name=record.name, port=port, version=envoy.version, digest=envoy.digest
        ),
        "HostConfig": {
            **_host(place, key, read_only=True),
            "RestartPolicy": {"Name": "unless-stopped"},
            "PortBindings": {published: [{"HostIp": bind, "HostPort": str(port)}]},
            "Sysctls": {"net.ipv4.ip_unprivileged_port_start": "0"},
        },
        "NetworkingConfig": _network(place),
    }  # fmt: skip


def door(envoy: Image, *, place: Place) -> Spec:
    """A way into the network, published on loopback on a port that Docker chooses."""
    published = f"{DOOR_PORT}/tcp"
    return {
        "Image": envoy.reference,
        "Entrypoint": ["/usr/local/bin/envoy"],
        "Cmd": [
            "--config-path", layout.inside("door/boot.json"),
            "--concurrency", "1",
            "--disable-hot-restart",
            "--log-level", "warning",
        ],
        "User": f"{layout.USER}:{layout.USER}",
        "ExposedPorts": {published: {}},
        "Labels": place.names.labels(Role.DOOR),
        "HostConfig": {
            **_host(place, "door", read_only=True),
            "RestartPolicy": {"Name": "unless-stopped"},
            "PortBindings": {published: [{"HostIp": "127.0.0.1", "HostPort": ""}]},
        },
        "NetworkingConfig": _network(place),
    }  # fmt: skip


def files(image: str, *, place: Place) -> Spec:
    """Writes into the volume for an EGX that does not have it mounted."""
    return {
        "Image": image,
        "Entrypoint": ["/bin/sh", "-c", PULSE],
        "User": "0:0",
        "WorkingDir": layout.MOUNT,
        "Labels": place.names.labels(Role.FILES),
        "HostConfig": {
            "Mounts": [_whole(place)],
            "RestartPolicy": {"Name": "unless-stopped"},
            "LogConfig": LOG,
            "NetworkMode": "none",
            "SecurityOpt": ["no-new-privileges"],
            "Init": False,
        },
    }


def certificates(image: str, key: str, *, place: Place) -> Spec:
    """Makes the certificates between a gateway's controllers and their Envoys, once."""
    return {
        "Image": image,
        "Cmd": ["certgen", "--local", "--config-home", layout.inside(layout.conf(key))],
        "User": f"{layout.USER}:{layout.USER}",
        "Env": ["HOME=/home/nonroot"],
        "Labels": place.names.labels(Role.TOOL, gateway=key),
        "HostConfig": {**_host(place, key), "NetworkMode": "none"},
    }


def version(image: str, *, place: Place) -> Spec:
    """Says which Envoy and which Gateway API the engine is made for."""
    return {
        "Image": image,
        "Cmd": ["version"],
        "Env": ["HOME=/home/nonroot"],
        "Labels": place.names.labels(Role.TOOL),
        "HostConfig": {"NetworkMode": "none", "LogConfig": LOG, "SecurityOpt": ["no-new-privileges"]},
    }


def never_run(image: str, *, place: Place) -> Spec:
    """For what is copied out of an image."""
    return {
        "Image": image,
        "Entrypoint": ["/never"],
        "Labels": place.names.labels(Role.TOOL),
        "HostConfig": {"NetworkMode": "none"},
    }


def network(place: Place, subnet: str, dynamic: str, host: str) -> Spec:
    """`POST /networks/create`."""
    return {
        "Name": place.names.network,
        "Driver": "bridge",
        "Labels": place.names.labels(Role.TOOL),
        "IPAM": {"Config": [{"Subnet": subnet, "IPRange": dynamic, "Gateway": host}]},
    }


def backends(place: Place, subnet: str) -> Spec:
    """The same for the network of the users' containers.

    It is internal, so that whoever joins keeps its default route and its published ports: Docker gives both to the
    network whose name sorts first, and cuts the connections that are open (seen with 20.10). Nor does a container that
    was meant to have no way out get one.
    """
    return {
        "Name": place.names.backends,
        "Driver": "bridge",
        "Internal": True,
        "Labels": place.names.labels(Role.TOOL),
        "IPAM": {"Config": [{"Subnet": subnet}]},
    }


def _host(place: Place, key: str, *, read_only: bool = False, also: Sequence[str] = ()) -> Spec:
    mounts = [_whole(place, read_only=read_only)]
    if place.subpaths:
        mounts = [_part(place, path, read_only=read_only) for path in (key, *also)]
    return {
        "Mounts": mounts,
        "LogConfig": LOG,
        "SecurityOpt": ["no-new-privileges"],
        "CapDrop": ["ALL"],
    }


def _whole(place: Place, *, read_only: bool = False) -> Spec:
    return {"Type": "volume", "Source": place.names.volume, "Target": layout.MOUNT, "ReadOnly": read_only}


def _part(place: Place, path: str, *, read_only: bool) -> Spec:
    part = _whole(place, read_only=read_only)
    return part | {"Target": layout.inside(path), "VolumeOptions": {"Subpath": path}}


def _limits(resources: Resources) -> Spec:
    found: Spec = {"CpuShares": max(2, int(resources.cpu_request * 1024))}
    if resources.cpu_limit:
        found |= {"CpuPeriod": CPU_PERIOD, "CpuQuota": int(resources.cpu_limit * CPU_PERIOD)}
    if resources.memory_limit:
        found["Memory"] = resources.memory_limit * MEBIBYTE
    if resources.memory_request:
        found["MemoryReservation"] = resources.memory_request * MEBIBYTE
    return found


def _network(place: Place, *, address: str = "") -> Mapping[str, Any]:
    endpoint: Spec = {"IPAMConfig": {"IPv4Address": address}} if address else {}
    return {"EndpointsConfig": {place.names.network: endpoint}}
