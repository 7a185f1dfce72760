"""Support services as containers: made, kept and taken away.

What is meant is written down first, in a file of its own on this host; whoever tends this Engine has it run from then
on. It goes when that file has gone.
"""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict

from deployments.drivers.base import DriverError, Progress, SilentError, unwatched
from deployments.drivers.docker import addresses, layout, names, prometheus, support_containers
from deployments.drivers.docker.daemon import Container
from deployments.drivers.docker.gateway_logs import GatewayLogs
from deployments.drivers.docker.ground import Ground
from deployments.drivers.docker.log_agent import LogAgent
from deployments.drivers.docker.records import Image
from deployments.drivers.docker.support_containers import LOOPBACK, PROMETHEUS_PORT, TEST_BACKEND_PORT
from deployments.drivers.log_files import Kind, LogPage
from deployments.drivers.supporting import ServiceName, ServiceObservation
from egx_project.lib import atomic

LOCK_SECONDS = 60
READY_SECONDS = 2.0
MADE_AS = f"{names.PREFIX}/{support_containers.MADE_AS}"
CONTAINERS = (ServiceName.TEST_BACKEND, ServiceName.PROMETHEUS)
READY_PATHS = {ServiceName.TEST_BACKEND: "/health", ServiceName.PROMETHEUS: "/-/ready"}
PORTS = {ServiceName.TEST_BACKEND: TEST_BACKEND_PORT, ServiceName.PROMETHEUS: PROMETHEUS_PORT}


class ServiceRecord(BaseModel):
    """What is meant to be there of one service."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    image: Image | None = None
    """None: it is no container."""
    asked_for: str = ""
    """The image as the settings name it."""


class Support:
    def __init__(self, ground: Ground, has_gateways: Callable[[], bool]) -> None:
        self.ground = ground
        self.has_gateways = has_gateways
        self.folder = ground.root / "support"
        self.logs = GatewayLogs(ground)
        self._agent: LogAgent | None = None
        self._agent_lock = FileLock(self.folder / "log-agent.lock", thread_local=False)

    # --- starting and stopping --------------------------------------------------------------------------------------

    def start(self, name: ServiceName, *, newest: bool, progress: Progress = unwatched) -> None:
        if name not in CONTAINERS:
            with self._locked():
                self._write(name, ServiceRecord())
            return
        asked_for = self._reference(name)
        image = self.ground.images.other(asked_for, newest=newest, progress=progress)
        with self._locked():
            self._write(name, ServiceRecord(image=image, asked_for=asked_for))
            try:
                self._raise(name, image)
            except SilentError:  # what is meant stays so, until Docker answers again
                raise
            except DriverError:
                with contextlib.suppress(DriverError):
                    self._take_away(name)
                raise

    def stop(self, name: ServiceName) -> None:
        with self._locked():
            self._take_away(name)
            if name in CONTAINERS and not self.shared_by() and not self.has_gateways():
                self.ground.clear()

    def _take_away(self, name: ServiceName) -> None:
        self._file(name).unlink(missing_ok=True)
        if name in CONTAINERS:
            self.ground.daemon.remove(self.ground.names.support(name))

    def raise_again(self, name: ServiceName) -> None:
        """Have it run as it was, if it is still meant to."""
        with self._locked():
            record = self._read(name)
            if record is not None and record.image is not None:
                self._raise(name, record.image)

    def _raise(self, name: ServiceName, image: Image) -> None:
        """Have its container, as it is to be now, and have that running."""
        subnet = self.ground.prepare()
        if name == ServiceName.PROMETHEUS:
            self._have_configuration()
        spec = self._spec(name, image, subnet)
        container = self.ground.names.support(name)
        found = self.ground.daemon.inspect(container)
        if found is not None and found["Config"]["Labels"].get(MADE_AS) != spec["Labels"][MADE_AS]:
            self.ground.daemon.remove(container)
            found = None
        if found is None:
            self.ground.daemon.create(container, spec)
        elif found["State"]["Running"]:
            return
        self.ground.daemon.start(container)

    def _spec(self, name: ServiceName, image: Image, subnet: str) -> dict[str, Any]:
        place, address = self.ground.place, addresses.own_address(subnet, support_containers.ADDRESSES[name])
        if name == ServiceName.TEST_BACKEND:
            return support_containers.test_backend(image, place=place, address=address)
        port = self.ground.settings.prometheus_port
        return support_containers.prometheus_server(image, place=place, address=address, port=port)

    def _reference(self, name: ServiceName) -> str:
        settings = self.ground.settings
        return settings.test_backend_image if name == ServiceName.TEST_BACKEND else settings.prometheus_image

    # --- logs -------------------------------------------------------------------------------------------------------

    def run_agent(self, *, wanted: bool) -> None:
        """The lock makes it one among all processes, and its holder's death gives it to the next."""
        if self._agent is not None and not (wanted and self._agent.alive):
            self._agent.stop()
            self._agent = None
            self._agent_lock.release()
        if wanted and self._agent is None:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with contextlib.suppress(Timeout):
                self._agent_lock.acquire(timeout=0)
                self._agent = LogAgent(self.ground.daemon, self.ground.names.installation, self.logs.files)
                self._agent.start()

    def read_logs(self, key: str, *, kinds: Collection[Kind], limit: int, since: str, after: str) -> LogPage:
        kept = ServiceName.LOG_AGENT in self.meant()
        return self.logs.page(key, kept=kept, kinds=kinds, limit=limit, since=since, after=after)

    # --- what Prometheus looks at -----------------------------------------------------------------------------------

    def _have_configuration(self) -> None:
        data = self.ground.names.prometheus_data
        if self.ground.daemon.volume(data) is None:
            self.ground.daemon.create_volume(data, self.ground.names.labels(names.Role.SUPPORT))
        self.ground.volume.write(layout.PROMETHEUS, {prometheus.CONFIG: prometheus.config().encode()})
        self._tell(self._containers())

    def tell_changes(self, there: Sequence[Container]) -> None:
        """Let Prometheus look at the slots that run now; `there`: all containers of the installation."""
        if ServiceName.PROMETHEUS not in self.meant() or self._targets(there) == atomic.read_json(self._told):
            return
        with self._locked():
            if ServiceName.PROMETHEUS in self.meant():
                self._tell(there)

    def _tell(self, there: Sequence[Container]) -> None:
        files = self._targets(there)
        self.ground.volume.write(layout.PROMETHEUS_TARGETS, {name: text.encode() for name, text in files.items()})
        self._told.parent.mkdir(exist_ok=True, mode=0o700)
        atomic.write_json(self._told, files)

    @property
    def _told(self) -> Path:
        """What Prometheus was last told."""
        return self.folder / "told" / "targets.json"

    def _targets(self, there: Sequence[Container]) -> dict[str, str]:
        return prometheus.targets(prometheus.slots(there, self.ground.names.network))

    # --- looking ----------------------------------------------------------------------------------------------------

    def meant(self) -> list[ServiceName]:
        return [name for name in ServiceName if self._file(name).exists()]

    def shared_by(self) -> list[ServiceName]:
        """Those that need the network."""
        return [name for name in self.meant() if name in CONTAINERS]

    def fallen(self, there: Sequence[Container]) -> Iterator[tuple[ServiceName, Container | None]]:
        """Those that should run and do not."""
        found = self._by_name(there)
        for name in self.shared_by():
            container = found.get(name)
            if container is None or not container.running:
                yield name, container

    def observe(self) -> Mapping[ServiceName, ServiceObservation]:
        meant = self.meant()
        found = self._by_name(self._containers()) if set(meant) & set(CONTAINERS) else {}
        return {name: self._observed(name, found.get(name)) for name in meant}

    def _observed(self, name: ServiceName, container: Container | None) -> ServiceObservation:
        record = self._read(name)
        if name not in CONTAINERS or record is None:
            return ServiceObservation(running=record is not None, ready=record is not None)
        if container is None or not container.running:
            state = container.status.lower() if container else "not there"
            return ServiceObservation(image=record.asked_for, problem=f"its container is {state}")
        ready = self._answers(name, container)
        return ServiceObservation(
            running=True,
            ready=ready,
            address=self._address(name),
            image=record.asked_for,
            problem="" if ready else f"it does not answer {READY_PATHS[name]} yet",
        )

    def _address(self, name: ServiceName) -> str:
        if name == ServiceName.TEST_BACKEND:
            return f"{name}:{TEST_BACKEND_PORT}"
        return f"http://localhost:{self.ground.settings.prometheus_port}"

    def _answers(self, name: ServiceName, container: Container) -> bool:
        address = container.addresses.get(self.ground.names.network, "")
        published = name == ServiceName.PROMETHEUS and self.ground.on_host
        opened = (
            http.client.HTTPConnection(LOOPBACK, self.ground.settings.prometheus_port, timeout=READY_SECONDS)
            if published
            else self.ground.reach.connect(address, PORTS[name], host=str(name), timeout=READY_SECONDS)
        )
        with contextlib.closing(opened) as connection:
            try:
                connection.request("GET", READY_PATHS[name])
                return connection.getresponse().status == http.HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                return False

    def _containers(self) -> list[Container]:
        return self.ground.daemon.containers(f"{names.INSTALLATION}={self.ground.names.installation}")

    def _by_name(self, there: Sequence[Container]) -> dict[str, Container]:
        return {one.labels[names.SERVICE]: one for one in there if names.SERVICE in one.labels}

    # --- what is meant ----------------------------------------------------------------------------------------------

    def _file(self, name: ServiceName) -> Path:
        return self.folder / f"{name}.json"

    def _read(self, name: ServiceName) -> ServiceRecord | None:
        found = atomic.read_json(self._file(name))
        return None if found is None else ServiceRecord.model_validate(found)

    def _write(self, name: ServiceName, record: ServiceRecord) -> None:
        atomic.write_json(self._file(name), record.model_dump(mode="json"))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One change at a time, whichever process makes it. Released by the holder's death."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self.folder / "lock", timeout=LOCK_SECONDS):
                yield
        except OSError as error:
            raise DriverError(f"{error.filename or self.folder}: {error.strerror or error}") from error
