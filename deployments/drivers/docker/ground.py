"""What all gateways of an installation share on a Docker Engine: the network, the volume, the ways in."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
from filelock import FileLock

from deployments.drivers.base import DriverError
from deployments.drivers.docker import addresses, containers
from deployments.drivers.docker.api.errors import DaemonError
from deployments.drivers.docker.containers import Place
from deployments.drivers.docker.daemon import Daemon
from deployments.drivers.docker.images import Images
from deployments.drivers.docker.names import Names, Role
from deployments.drivers.docker.reach import DirectReach, Reach
from deployments.drivers.docker.records import Image
from deployments.drivers.docker.rendering import Options
from deployments.drivers.docker.settings import DockerSettings
from deployments.drivers.docker.volume import HelpedVolume, MountedVolume, Volume
from egx_project.lib import atomic
from egx_project.lib.clock import Clock

SUBPATHS_API = (1, 45)
"""From this version of its API on, the Engine mounts a part of a volume."""
LOCK_SECONDS = 60
TRIES = 6
DESKTOP_HOST = "host.docker.internal"


class Ground:
    def __init__(self, root: Path, settings: DockerSettings, *, clock: Clock, concurrency: int, bind: str) -> None:
        self.root = root
        """The folder of this runtime below the data directory."""
        self.settings = settings
        self.clock = clock
        self.concurrency = concurrency
        self.bind = bind
        self.daemon = Daemon(settings.host)
        self._place: Place | None = None
        self._volume: Volume | None = None
        self._on_host: bool | None = None
        self._reach: Reach | None = None

    # --- who we are -------------------------------------------------------------------------------------------------

    @property
    def names(self) -> Names:
        file = self.root / "installation.json"
        if not file.exists():
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            atomic.write_new(file, f'"{secrets.token_hex(3)}"\n'.encode())
        return Names(str(atomic.read_json(file)))

    @property
    def place(self) -> Place:
        if self._place is None:
            self._place = Place(self.names, subpaths=self.daemon.api_version >= SUBPATHS_API)
        return self._place

    @property
    def images(self) -> Images:
        return Images(self.daemon, self.place, self.settings, self.root / "images")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One change at a time to what gateways share."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(self.root / "ground.lock", timeout=LOCK_SECONDS):
            yield

    # --- what is shared ---------------------------------------------------------------------------------------------

    def prepare(self) -> str:
        """Have the network and the volume; the network's subnet."""
        with self.locked():
            self._have_volume()
            return self._have_network()

    @property
    def subnet(self) -> str:
        """Of the network; empty where there is none."""
        found = self.daemon.network(self.place.names.network)
        return str(found["IPAM"]["Config"][0]["Subnet"]) if found else ""

    def _have_network(self) -> str:
        there = self.subnet
        if there:
            return there
        for attempt in range(TRIES):  # somebody else may take a subnet between the look and the making
            subnet = addresses.free_subnet(self.daemon.subnets(), self._wanted_subnet(), after=attempt)
            spec = containers.network(
                self.place, subnet, addresses.dynamic_range(subnet), addresses.host_address(subnet)
            )
            try:
                self.daemon.create_network(spec)
            except DaemonError as error:
                if "overlaps" not in error.message or attempt == TRIES - 1:
                    raise
                continue
            atomic.write_json(self.root / "network.json", {"subnet": subnet})
            return subnet
        raise AssertionError("the last try returns or raises")

    def have_backends(self) -> str:
        """Have the network of the users' containers; its name."""
        name = self.place.names.backends
        with self.locked():
            if self.daemon.network(name) is None:
                subnet = addresses.free_subnet(self.daemon.subnets())
                self.daemon.create_network(containers.backends(self.place, subnet))
        return name

    def _wanted_subnet(self) -> str:
        """A network that comes again has the subnet that it had: addresses are written down."""
        noted = atomic.read_json(self.root / "network.json") or {}
        return self.settings.subnet or str(noted.get("subnet", ""))

    def _have_volume(self) -> None:
        if self.daemon.volume(self.place.names.volume) is None:
            self.daemon.create_volume(self.place.names.volume, self.place.names.labels(Role.TOOL))
            self._volume = None

    @property
    def prepared(self) -> bool:
        """Whether something was made that gateways share, and not taken away to its end."""
        return (self.root / "network.json").exists()

    def clear(self) -> None:
        """Take away what is shared, when the last gateway and service are gone; what somebody else still uses stays."""
        with self.locked():
            names = self.place.names
            self.daemon.remove(names.files)
            for container in self.daemon.containers(f"egx.dev/installation={names.installation}"):
                self.daemon.remove(container.id)
            for network in (names.network, names.backends):
                with contextlib.suppress(DaemonError):
                    self.daemon.remove_network(network)
            for volume in (names.volume, names.prometheus_data):
                with contextlib.suppress(DaemonError):
                    self.daemon.remove_volume(volume)
            self._volume = self._reach = None
            (self.root / "network.json").unlink(missing_ok=True)  # the last: what is left is tried again

    # --- ways in ----------------------------------------------------------------------------------------------------

    @property
    def volume(self) -> Volume:
        if self._volume is None:
            mounted = self._mounted()
            self._volume = (
                MountedVolume(mounted) if mounted else HelpedVolume(self.daemon, self.place, self.images.files_image())
            )
        return self._volume

    def _mounted(self) -> Path | None:
        """Where this process can write into the volume: where it is told, or where the Engine has it, as root."""
        if self.settings.volume_path == "none":
            return None
        if self.settings.volume_path:
            path = Path(self.settings.volume_path)
            if not os.access(path, os.W_OK):
                raise DriverError(f"{path} cannot be written", hint="set EGX_DOCKER_VOLUME_PATH to the mounted volume")
            return path
        found = self.daemon.volume(self.place.names.volume)
        local = self.daemon.host == "unix:///var/run/docker.sock"
        path = Path(found["Mountpoint"]) if found and local else Path("/nonexistent")
        return path if os.geteuid() == 0 and path.is_dir() and os.access(path, os.W_OK) else None

    @property
    def on_host(self) -> bool:
        """Whether published ports are ports of this process's own network: EGX is no container itself."""
        if self._on_host is None:
            me = socket.gethostname()
            found = self.daemon.inspect(me)
            inside = found is not None and found["Config"]["Hostname"] == me
            self._on_host = not inside and not self.daemon.host.startswith(("tcp://", "ssh://"))
        return self._on_host

    @property
    def reach(self) -> Reach:
        if self._reach is None:
            from deployments.drivers.docker.door import DoorReach  # it is made of a ground

            self._reach = DirectReach() if self._has_route() else DoorReach(self)
        return self._reach

    def _has_route(self) -> bool:
        """Whether this host, or EGX's own container, is in the network: not on Docker Desktop's host."""
        if self.settings.reach != "auto":
            return self.settings.reach == "direct"
        network = ipaddress.ip_network(self.subnet or self.prepare())
        addresses_here = (one.address for found in psutil.net_if_addrs().values() for one in found)
        return any(_is_in(address, network) for address in addresses_here)

    def note_envoy(self, envoy: Image) -> None:
        """What a door can be made of."""
        atomic.write_json(self.root / "envoy.json", envoy.model_dump())

    @property
    def options(self) -> Options:
        return Options(host=self._host(), concurrency=self.concurrency, access_log=self.settings.access_log)

    def _host(self) -> str:
        if self.daemon.is_desktop:
            return DESKTOP_HOST
        return addresses.host_address(self.subnet or self.prepare())


def _is_in(address: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]) in network
    except ValueError:
        return False
