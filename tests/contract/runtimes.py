"""The runtimes that the contract holds for, each with what a test may ask of it beside the protocol."""

from __future__ import annotations

import atexit
import contextlib
import functools
import http.client
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from deployments.drivers.base import Driver, Engine, Observation, Scope, SlotName, SlotObservation
from deployments.drivers.docker.driver import DockerDriver
from deployments.drivers.docker.settings import DockerSettings
from deployments.drivers.fake import REJECT_LABEL, FakeDriver, Folder
from deployments.drivers.process.driver import ProcessDriver
from deployments.drivers.process.units import Unit
from deployments.drivers.registry import DriverSettings
from egx_project.lib.clock import SystemClock, wait_for
from gateways.selectors import endpoints
from gateways.spec.objects import Backend, Gateway, HTTPRoute, HTTPRouteMatch, PathMatch
from gateways.spec.snapshot import AttachedRoute, Endpoint, GatewaySnapshot, ResolvedBackend
from tests import hosts
from tests.deployments.xds.envoys import ENVOY
from tests.testbed.needed import testbed

KEY = "gw1"
READY_SECONDS = 90.0


@dataclass
class Runtime:
    driver: Driver
    versions: tuple[str, str]
    backend: int
    reject: Callable[[GatewaySnapshot], GatewaySnapshot]
    """Make of a snapshot one that the engine itself refuses."""
    judges_apart: bool = True
    """Whether an engine that is not running can be asked to judge a configuration."""
    has_traffic: bool = False
    """Whether requests can be made through the published ports."""
    home: Path | None = None
    """Where real processes lie, if they are this machine's own."""
    ports: list[int] = field(default_factory=lambda: hosts.free_ports(3))

    def scope(self, fence: int = 1, *, configuration: bool = False, key: str = KEY) -> Scope:
        return Scope(key=key, fence=fence, realm="configuration" if configuration else "lifecycle")

    def snapshot(
        self, generation: int = 1, *, ports: int = 1, key: str = KEY, backend: int | None = None
    ) -> GatewaySnapshot:
        """A gateway with that many ports whose answers carry the generation in `x-generation`."""
        listeners = [{"name": f"p{n}", "port": n, "protocol": "HTTP"} for n in self.ports[:ports]]
        gateway = {
            "metadata": {"name": "web"},
            "spec": {"gatewayClassName": "egx", "listeners": listeners},
        }
        set_header = {"set": [{"name": "x-generation", "value": str(generation)}]}
        rule = {
            "filters": [{"type": "ResponseHeaderModifier", "responseHeaderModifier": set_header}],
            "backendRefs": [{"group": "gateway.envoyproxy.io", "kind": "Backend", "name": "web"}],
        }
        route = {"metadata": {"name": "web"}, "spec": {"parentRefs": [{"name": "web"}], "rules": [rule]}}
        address = {"ip": {"address": "127.0.0.1", "port": backend or self.backend}}
        written = Backend.model_validate({"metadata": {"name": "web"}, "spec": {"endpoints": [address]}})
        return GatewaySnapshot(
            key=key,
            generation=generation,
            gateway=Gateway.model_validate(gateway),
            routes=(AttachedRoute(route=HTTPRoute.model_validate(route), created_at=datetime(2026, 1, 1, tzinfo=UTC)),),
            backends=(ResolvedBackend(ref=written.ref, written=written, endpoints=endpoints(written, None)),),
        )

    def refused(self, generation: int) -> GatewaySnapshot:
        return self.reject(self.snapshot(generation))

    def observe(self, key: str = KEY) -> Observation:
        return self.driver.observe(key)

    def slot(self, name: SlotName = SlotName.BLUE) -> SlotObservation:
        return self.observe().slots[name]

    def engine(self, version: int = 0) -> Engine:
        return self.driver.pull(Engine(version=self.versions[version]))

    def start(self, name: SlotName = SlotName.BLUE, *, generation: int = 1, ports: int = 1, version: int = 0) -> None:
        """Run the slot and return when it is ready."""
        self.driver.start_slot(self.scope(), name, self.engine(version), self.snapshot(generation, ports=ports))
        assert self.becomes(lambda: self.slot(name).ready)

    def settled(self) -> object:
        """What is there, once all slots that are meant to run are ready; the very processes included."""
        assert self.becomes(lambda: all(slot.ready for slot in self.observe().slots.values() if slot.present))
        return facts(self.observe()), self.processes()

    def processes(self) -> set[int]:
        return hosts.processes_of_units(self.home) if self.home else set()

    def unit(self, name: str) -> Unit:
        assert self.home is not None
        return Unit(self.home / "run" / KEY / name)

    def serve(self, *, ports: int = 1) -> None:
        """A gateway whose blue slot serves, as fence 1 of both realms."""
        self.driver.fence(self.scope())
        self.driver.fence(self.scope(configuration=True))
        self.start(ports=ports)
        self.driver.open_edge(self.scope(), self.snapshot(ports=ports))
        self.driver.switch(self.scope(), SlotName.BLUE)

    def becomes(self, condition: Callable[[], bool]) -> bool:
        return bool(wait_for(lambda: condition() or None, clock=SystemClock(), seconds=READY_SECONDS))

    def answers(self, port: int) -> str:
        """The generation that a request through the port is answered by; what the runtime observes, without traffic."""
        if not self.has_traffic:
            observed = self.observe()
            serving = observed.edge.serving
            assert serving is not None
            assert port in observed.edge.ports
            return str(observed.slots[serving].generation)
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            return ask(connection)

    def accepts(self, port: int) -> bool:
        """Whether new connections to the port are taken."""
        if not self.has_traffic:
            return port in self.observe().edge.ports
        try:
            socket.create_connection(("127.0.0.1", port), timeout=10).close()
        except ConnectionRefusedError:
            return False
        return True


def facts(observed: Observation) -> object:
    """An observation without what traffic alone changes."""
    return observed.edge, [replace(slot, connections=0) for slot in observed.slots.values()]


def ask(connection: http.client.HTTPConnection) -> str:
    connection.request("GET", "/")
    answer = connection.getresponse()
    answer.read()
    assert answer.status == http.HTTPStatus.OK
    return answer.getheader("x-generation") or ""


def _rejected_by_label(snapshot: GatewaySnapshot) -> GatewaySnapshot:
    metadata = snapshot.gateway.metadata.model_copy(update={"labels": {REJECT_LABEL: "yes"}})
    return snapshot.model_copy(update={"gateway": snapshot.gateway.model_copy(update={"metadata": metadata})})


def _rejected_by_path(snapshot: GatewaySnapshot) -> GatewaySnapshot:
    """No manifest can have so long a path, so that nothing before Envoy looks for it."""
    (backend,) = snapshot.backends
    nowhere = backend.model_copy(update={"endpoints": (Endpoint(unix=f"/{'a' * 120}"),)})
    return snapshot.model_copy(update={"backends": (nowhere,)})


def _rejected_by_match(snapshot: GatewaySnapshot) -> GatewaySnapshot:
    """No manifest can have such a path, so that nothing before the engine looks for it."""
    (attached,) = snapshot.routes
    match = HTTPRouteMatch.model_construct(path=PathMatch.model_construct(type="Exact", value="no-slash"))
    (rule,) = attached.route.spec.rules
    rule = rule.model_copy(update={"matches": (match,)})
    rule.model_fields_set.add("matches")
    match.model_fields_set.add("path")
    match.path.model_fields_set.update({"type", "value"})
    spec = attached.route.spec.model_copy(update={"rules": (rule,)})
    route = attached.route.model_copy(update={"spec": spec})
    return snapshot.model_copy(update={"routes": (attached.model_copy(update={"route": route}),)})


KEPT = "kept"
"""Stands for another gateway, so that the network and the volume stay from test to test."""


@functools.cache
def docker_ground() -> DriverSettings:
    """Settings of an installation that is taken away when the tests end."""
    home = Path(tempfile.mkdtemp(prefix="egx-"))
    found = testbed()
    settings = DriverSettings(
        data_dir=home,
        bind_address="127.0.0.1",
        envoy_binary="",
        envoy_concurrency=1,
        docker=DockerSettings(
            host=f"unix://{found.socket}",
            gateway_image=f"{found.registry}/envoyproxy/gateway",
            files_image=f"{found.registry}/busybox:1.36",
            healthy_seconds=READY_SECONDS,
        ),
    )
    driver = DockerDriver(settings)
    driver.fence(Scope(key=KEPT, fence=1))
    driver.ground.daemon.close()
    atexit.register(_clear, driver)
    return settings


def _clear(driver: DockerDriver) -> None:
    driver.destroy(Scope(key=KEPT, fence=1))
    driver.ground.daemon.close()
    shutil.rmtree(driver.settings.data_dir)


@contextlib.contextmanager
def fake_in_memory(backend: int) -> Iterator[Runtime]:
    yield Runtime(driver=FakeDriver(), versions=("1.0.0", "2.0.0"), backend=backend, reject=_rejected_by_label)


@contextlib.contextmanager
def fake_in_a_folder(backend: int) -> Iterator[Runtime]:
    with tempfile.TemporaryDirectory(prefix="egx-") as folder:
        driver = FakeDriver(Folder(Path(folder)))
        yield Runtime(driver=driver, versions=("1.0.0", "2.0.0"), backend=backend, reject=_rejected_by_label)


@contextlib.contextmanager
def process(backend: int) -> Iterator[Runtime]:
    home = Path(tempfile.mkdtemp(prefix="egx-", dir="/tmp"))  # short: Unix sockets lie below it
    settings = DriverSettings(data_dir=home, bind_address="127.0.0.1", envoy_binary=str(ENVOY), envoy_concurrency=1)
    try:
        yield Runtime(
            driver=ProcessDriver(settings),
            versions=("1.40.0", "local"),
            backend=backend,
            reject=_rejected_by_path,
            has_traffic=True,
            home=home,
        )
    finally:
        hosts.stop_units(home)
        left = hosts.processes_below(home)
        shutil.rmtree(home)
    assert not left


@contextlib.contextmanager
def docker(backend: int) -> Iterator[Runtime]:
    """An installation of its own on the testbed's Engine, which stays for the next test, but for its gateways."""
    ground = docker_ground()
    driver = DockerDriver(ground)
    try:
        yield Runtime(
            driver=driver,
            versions=("1.9.0", "1.8.3"),
            backend=backend,
            reject=_rejected_by_match,
            judges_apart=False,
            has_traffic=True,
        )
    finally:
        for key in driver.folders.names():
            if key != KEPT:
                scope = Scope(key=key, fence=2**40)
                driver.fence(scope)
                driver.destroy(scope)
    assert not driver.observe(KEY).exists
    driver.ground.daemon.close()


RUNTIMES = {make.__name__: make for make in (fake_in_memory, fake_in_a_folder, process, docker)}
