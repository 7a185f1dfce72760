"""What the containers of support services are made of. Pure: the Engine API's own words."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from deployments.drivers.docker import layout, prometheus
from deployments.drivers.docker.containers import LOG, MEBIBYTE, Place
from deployments.drivers.docker.names import Role
from deployments.drivers.docker.records import Image
from deployments.drivers.supporting import ServiceName

Spec = dict[str, Any]

TEST_BACKEND_PORT = 8000
PROMETHEUS_PORT = 9090
PROMETHEUS_DATA = "/prometheus"
MOST_MEMORY = {ServiceName.TEST_BACKEND: 128, ServiceName.PROMETHEUS: 512}
"""MiB."""
ADDRESSES = {ServiceName.TEST_BACKEND: 1, ServiceName.PROMETHEUS: 2}
"""Which of the network's own addresses each has: an Envoy that has looked a name up keeps the answer for minutes."""
LOOPBACK = "127.0.0.1"
MADE_AS = "made-as"


def test_backend(image: Image, *, place: Place, address: str) -> Spec:
    return _made(
        ServiceName.TEST_BACKEND,
        image,
        place=place,
        address=address,
        spec={"Cmd": ["--host", "0.0.0.0", "--port", str(TEST_BACKEND_PORT), "--instance", "test-backend"]},  # noqa: S104
        host={"ReadonlyRootfs": True, "Tmpfs": {"/tmp": "size=16m"}},  # noqa: S108
    )


def prometheus_server(image: Image, *, place: Place, address: str, port: int) -> Spec:
    published = f"{PROMETHEUS_PORT}/tcp"
    config = {"Type": "volume", "Source": place.names.volume, "Target": layout.MOUNT, "ReadOnly": True}
    if place.subpaths:
        config |= {
            "Target": layout.inside(layout.PROMETHEUS),
            "VolumeOptions": {"Subpath": layout.PROMETHEUS},
        }
    data = {"Type": "volume", "Source": place.names.prometheus_data, "Target": PROMETHEUS_DATA}
    return _made(
        ServiceName.PROMETHEUS,
        image,
        place=place,
        address=address,
        spec={
            "Cmd": [
                f"--config.file={layout.inside(layout.PROMETHEUS)}/{prometheus.CONFIG}",
                f"--storage.tsdb.path={PROMETHEUS_DATA}",
                f"--storage.tsdb.retention.time={prometheus.RETENTION_TIME}",
                f"--storage.tsdb.retention.size={prometheus.RETENTION_SIZE}",
                f"--web.listen-address=:{PROMETHEUS_PORT}",
            ],
            "ExposedPorts": {published: {}},
        },
        host={
            "Mounts": [config, data],
            "PortBindings": {published: [{"HostIp": LOOPBACK, "HostPort": str(port)}]},
        },
    )


def _made(name: ServiceName, image: Image, *, place: Place, address: str, spec: Spec, host: Spec) -> Spec:
    memory = MOST_MEMORY[name] * MEBIBYTE
    spec = {
        **spec,
        "Image": image.reference,
        "Hostname": str(name),
        "HostConfig": {
            **host,
            "LogConfig": LOG,
            "SecurityOpt": ["no-new-privileges"],
            "CapDrop": ["ALL"],
            "Memory": memory,
            "RestartPolicy": {"Name": "unless-stopped"},
        },
        "NetworkingConfig": {
            "EndpointsConfig": {
                place.names.network: {"IPAMConfig": {"IPv4Address": address}, "Aliases": [str(name)]},
            }
        },
    }
    made_as = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16]
    return {**spec, "Labels": place.names.labels(Role.SUPPORT, service=name, **{MADE_AS: made_as})}
