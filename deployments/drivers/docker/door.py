"""A way into the network for an EGX that has no route to it, as on Docker Desktop: one small Envoy, published on
loopback, that opens connections to addresses of the network for whoever knows its key.

It answers CONNECT alone, and sends it where the header `x-envoy-original-dst-host` says (Envoy: original destination
cluster with `use_http_header`).
"""

from __future__ import annotations

import http.client
import json
import secrets
import socket
from typing import Any

from deployments.drivers.base import SilentError
from deployments.drivers.docker import containers
from deployments.drivers.docker.ground import Ground
from deployments.drivers.docker.records import Image
from deployments.drivers.envoy.admin import SECONDS
from egx_project.lib import atomic

PORT = containers.DOOR_PORT
KEY_HEADER = "x-egx-key"
TARGET_HEADER = "x-envoy-original-dst-host"
EXTENSIONS = "type.googleapis.com/envoy.extensions.filters"
LINE = b"\r\n"
LARGEST_HEAD = 16 * 1024
Config = dict[str, Any]


class DoorReach:
    """Through the door; it is made, or started again, where it is not open."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._published = 0

    def connect(
        self, address: str, port: int, *, host: str = "envoy", timeout: float = SECONDS
    ) -> http.client.HTTPConnection:
        return _Through(self, f"{address}:{port}", host=host, timeout=timeout)

    @property
    def key(self) -> str:
        file = self.ground.root / "door.json"
        if not file.exists():
            atomic.write_new(file, json.dumps(secrets.token_urlsafe(32)).encode())
        return str(atomic.read_json(file))

    def port(self, *, anew: bool = False) -> int:
        """Where the door is published; Docker chooses another port with each start."""
        if not self._published or anew:
            self._published = self._open()
        return self._published

    def _open(self) -> int:
        name = self.ground.names.tool("door")
        found = self.ground.daemon.inspect(name)
        if found is None or not found["State"]["Running"]:
            self._raise(name, there=found is not None)
            found = self.ground.daemon.inspect(name)
        bindings = (found or {}).get("NetworkSettings", {}).get("Ports", {}).get(f"{PORT}/tcp") or [{}]
        return int(bindings[0].get("HostPort") or 0)

    def _raise(self, name: str, *, there: bool) -> None:
        envoy = atomic.read_json(self.ground.root / "envoy.json")
        if envoy is None:
            raise SilentError("no Envoy is here yet that could open a way into EGX's network")
        self.ground.prepare()
        self.ground.volume.write("door", {"boot.json": json.dumps(bootstrap(self.key)).encode()}, mode=0o600)
        if not there:
            self.ground.daemon.create(name, containers.door(Image.model_validate(envoy), place=self.ground.place))
        self.ground.daemon.start(name)


class _Through(http.client.HTTPConnection):
    """To a place behind the door, with another host's name in its requests."""

    def __init__(self, door: DoorReach, place: str, *, host: str, timeout: float) -> None:
        super().__init__(host, timeout=timeout)
        self.door = door
        self.place = place

    def connect(self) -> None:
        try:
            self.sock = self._knock(self.door.port())
        except ConnectionRefusedError:  # it was started again, and is published elsewhere
            self.sock = self._knock(self.door.port(anew=True))

    def _knock(self, port: int) -> socket.socket:
        # The standard library's own tunnel speaks HTTP/1.0 before Python 3.12, which Envoy does not take.
        opened = socket.create_connection(("127.0.0.1", port), timeout=self.timeout)
        try:
            lines = (f"CONNECT {self.place} HTTP/1.1", f"host: {self.place}", f"{KEY_HEADER}: {self.door.key}",
                     f"{TARGET_HEADER}: {self.place}")  # fmt: skip
            opened.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode())
            _require_open(_head(opened))
        except BaseException:
            opened.close()
            raise
        return opened


def _require_open(head: bytes) -> None:
    if not head.startswith(b"HTTP/1.1 200"):
        raise ConnectionAbortedError(f"the door says {head.split(LINE)[0].decode(errors='replace')}")


def _head(opened: socket.socket) -> bytes:
    """Byte for byte: what follows the answer's head is for others."""
    head = b""
    while not head.endswith(LINE + LINE):
        more = opened.recv(1)
        if not more or len(head) > LARGEST_HEAD:
            raise ConnectionAbortedError("the door closed the connection")
        head += more
    return head


def bootstrap(key: str) -> Config:
    """CONNECT with the key goes to the address that it names; anything else is 404."""
    match = {"connect_matcher": {}, "headers": [{"name": KEY_HEADER, "string_match": {"exact": key}}]}
    connect = {"upgrade_type": "CONNECT", "connect_config": {}}
    manager = {
        "@type": f"{EXTENSIONS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "door",
        "upgrade_configs": [{"upgrade_type": "CONNECT"}],
        "http_filters": [
            {"name": "router", "typed_config": {"@type": f"{EXTENSIONS}.http.router.v3.Router"}},
        ],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "door",
                    "domains": ["*"],
                    "routes": [{"match": match, "route": {"cluster": "inside", "upgrade_configs": [connect]}}],
                }
            ]
        },
    }
    address = {"socket_address": {"address": "0.0.0.0", "port_value": PORT}}  # noqa: S104 - in its container
    listener = {
        "name": "door",
        "address": address,
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    cluster = {
        "name": "inside",
        "type": "ORIGINAL_DST",
        "lb_policy": "CLUSTER_PROVIDED",
        "connect_timeout": "2s",
        "original_dst_lb_config": {"use_http_header": True},
    }
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}
