"""The runtimes that the contract holds for, each with what a test may ask of it beside the protocol."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deployments.drivers.base import Driver, Engine, Observation, Scope, SlotName, SlotObservation
from deployments.drivers.fake import REJECT_LABEL, FakeDriver, Folder
from deployments.drivers.process.driver import ProcessDriver
from deployments.drivers.registry import DriverSettings
from egx_project.lib.clock import SystemClock, wait_for
from gateways.selectors import endpoints
from gateways.spec.objects import Backend, Gateway, HTTPRoute
from gateways.spec.snapshot import AttachedRoute, GatewaySnapshot, ResolvedBackend
from tests import hosts
from tests.deployments.xds.envoys import ENVOY

KEY = "gw1"
READY_SECONDS = 15.0


@dataclass
class Runtime:
    driver: Driver
    versions: tuple[str, str]
    backend: int
    rejects: Callable[[int], dict[str, Any]]
    """The metadata and listener of a gateway that the engine refuses, by port."""
    home: Path | None = None
    """Where real processes lie; None for a runtime without traffic."""
    ports: list[int] = field(default_factory=lambda: [hosts.free_port() for _ in range(3)])

    def scope(self, fence: int = 1, *, configuration: bool = False, key: str = KEY) -> Scope:
        return Scope(key=key, fence=fence, realm="configuration" if configuration else "lifecycle")

    def snapshot(
        self, generation: int = 1, *, ports: int = 1, key: str = KEY, labels: dict[str, str] | None = None
    ) -> GatewaySnapshot:
        """A gateway with that many ports whose answers carry the generation in `x-generation`."""
        listeners = [{"name": f"p{n}", "port": n, "protocol": "HTTP"} for n in self.ports[:ports]]
        gateway = {
            "metadata": {"name": "web", "labels": labels or {}},
            "spec": {"gatewayClassName": "egx", "listeners": listeners},
        }
        set_header = {"set": [{"name": "x-generation", "value": str(generation)}]}
        rule = {
            "filters": [{"type": "ResponseHeaderModifier", "responseHeaderModifier": set_header}],
            "backendRefs": [{"group": "gateway.envoyproxy.io", "kind": "Backend", "name": "web"}],
        }
        route = {"metadata": {"name": "web"}, "spec": {"parentRefs": [{"name": "web"}], "rules": [rule]}}
        address = {"ip": {"address": "127.0.0.1", "port": self.backend}}
        backend = Backend.model_validate({"metadata": {"name": "web"}, "spec": {"endpoints": [address]}})
        return GatewaySnapshot(
            key=key,
            generation=generation,
            gateway=Gateway.model_validate(gateway),
            routes=(AttachedRoute(route=HTTPRoute.model_validate(route), created_at=datetime(2026, 1, 1, tzinfo=UTC)),),
            backends=(ResolvedBackend(ref=backend.ref, written=backend, endpoints=endpoints(backend, None)),),
        )

    def refused(self, generation: int) -> GatewaySnapshot:
        wanted = self.snapshot(generation)
        change = self.rejects(self.ports[0])
        return wanted.model_copy(update={"gateway": Gateway.model_validate(change)})

    def observe(self, key: str = KEY) -> Observation:
        return self.driver.observe(key)

    def slot(self, name: SlotName = SlotName.BLUE) -> SlotObservation:
        return self.observe().slots[name]

    def start(self, name: SlotName = SlotName.BLUE, *, generation: int = 1, ports: int = 1, version: int = 0) -> None:
        """Run the slot and return when it is ready."""
        engine = self.driver.pull(Engine(version=self.versions[version]))
        self.driver.start_slot(self.scope(), name, engine, self.snapshot(generation, ports=ports))
        assert self.becomes(lambda: self.slot(name).ready)

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
        if self.home is None:
            observed = self.observe()
            serving = observed.edge.serving
            assert serving is not None
            assert port in observed.edge.ports
            return str(observed.slots[serving].generation)
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            return ask(connection)


def ask(connection: http.client.HTTPConnection) -> str:
    connection.request("GET", "/")
    answer = connection.getresponse()
    answer.read()
    assert answer.status == http.HTTPStatus.OK
    return answer.getheader("x-generation") or ""


def _rejected_by_label(port: int) -> dict[str, Any]:
    return {
        "metadata": {"name": "web", "labels": {REJECT_LABEL: "yes"}},
        "spec": {"gatewayClassName": "egx", "listeners": [{"name": "p", "port": port, "protocol": "HTTP"}]},
    }


def _rejected_by_protocol(port: int) -> dict[str, Any]:
    return {
        "metadata": {"name": "web"},
        "spec": {"gatewayClassName": "egx", "listeners": [{"name": "p", "port": port, "protocol": "UDP"}]},
    }


@contextlib.contextmanager
def fake_in_memory() -> Iterator[Runtime]:
    yield Runtime(driver=FakeDriver(), versions=("1.0.0", "2.0.0"), backend=9, rejects=_rejected_by_label)


@contextlib.contextmanager
def fake_in_a_folder() -> Iterator[Runtime]:
    with tempfile.TemporaryDirectory(prefix="egx-") as folder:
        driver = FakeDriver(Folder(Path(folder)))
        yield Runtime(driver=driver, versions=("1.0.0", "2.0.0"), backend=9, rejects=_rejected_by_label)


@contextlib.contextmanager
def process() -> Iterator[Runtime]:
    home = Path(tempfile.mkdtemp(prefix="egx-", dir="/tmp"))  # short: Unix sockets lie below it
    settings = DriverSettings(data_dir=home, bind_address="127.0.0.1", envoy_binary=str(ENVOY), envoy_concurrency=1)
    try:
        with hosts.backend() as port:
            yield Runtime(
                driver=ProcessDriver(settings),
                versions=("1.40.0", "local"),
                backend=port,
                rejects=_rejected_by_protocol,
                home=home,
            )
    finally:
        hosts.stop_units(home)
        left = hosts.processes_below(home)
        shutil.rmtree(home)
    assert not left


RUNTIMES = {make.__name__: make for make in (fake_in_memory, fake_in_a_folder, process)}
