"""One gateway on the testbed's Docker Engine, driven by its driver alone."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import docker
from docker.models.containers import Container

from deployments.drivers.base import (
    ContainerNews,
    Engine,
    Observation,
    Retirement,
    Revival,
    Scope,
    SlotName,
    SlotObservation,
)
from deployments.drivers.docker.driver import DockerDriver
from egx_project.lib.clock import SystemClock, wait_for
from gateways.selectors import endpoints
from gateways.spec.objects import Backend, Gateway, HTTPRoute
from gateways.spec.snapshot import AttachedRoute, GatewaySnapshot, ResolvedBackend
from tests import hosts
from tests.docker import places

KEY = "gw1"
BLUE, GREEN = SlotName.BLUE, SlotName.GREEN
PATIENCE = 90.0
CREATED = "2026-01-01T00:00:00Z"
Json = dict[str, Any]


def rule(path: str = "/", *, backend: str = "web", **more: Any) -> Json:
    return {
        "matches": [{"path": {"type": "PathPrefix", "value": path}}],
        "backendRefs": [{"group": "gateway.envoyproxy.io", "kind": "Backend", "name": backend}],
        **more,
    }


def set_header(value: str, name: str = "x-generation") -> Json:
    change = {"set": [{"name": name, "value": value}]}
    return {"type": "ResponseHeaderModifier", "responseHeaderModifier": change}


@dataclass
class Served:
    """A gateway whose blue slot serves. `backends` are (name, port on this machine)."""

    driver: DockerDriver
    engine: docker.DockerClient
    backends: dict[str, int]
    ports: list[int] = field(default_factory=lambda: hosts.free_ports(3))
    generation: int = 0

    def snapshot(
        self, *rules: Json, ports: int = 1, more: dict[str, list[Json]] | None = None, **spec: Any
    ) -> GatewaySnapshot:
        """A new generation: route `web` with these rules, and routes of `more`; each answer tells its generation."""
        self.generation += 1
        listeners = [{"name": f"p{n}", "port": n, "protocol": "HTTP"} for n in self.ports[:ports]]
        gateway = {"metadata": {"name": "web"}, "spec": {"gatewayClassName": "egx", "listeners": listeners}}
        told = [set_header(str(self.generation))]
        wanted = {"web": list(rules) or [rule(filters=told)], **(more or {})}
        routes = [
            {"metadata": {"name": name}, "spec": {"parentRefs": [{"name": "web"}], "rules": found, **spec}}
            for name, found in wanted.items()
        ]
        return GatewaySnapshot(
            key=KEY,
            generation=self.generation,
            gateway=Gateway.model_validate(gateway),
            routes=tuple(
                AttachedRoute.model_validate({"route": HTTPRoute.model_validate(one), "created_at": CREATED})
                for one in routes
            ),
            backends=tuple(self._backend(name, port) for name, port in self.backends.items()),
        )

    def _backend(self, name: str, port: int) -> ResolvedBackend:
        address = {"ip": {"address": "127.0.0.1", "port": port}}
        written = Backend.model_validate({"metadata": {"name": name}, "spec": {"endpoints": [address]}})
        return ResolvedBackend(ref=written.ref, written=written, endpoints=endpoints(written, None))

    def scope(self, fence: int = 1, *, configuration: bool = False) -> Scope:
        return Scope(key=KEY, fence=fence, realm="configuration" if configuration else "lifecycle")

    def serve(self, *, version: str = places.VERSIONS[0]) -> None:
        self.driver.fence(self.scope())
        self.driver.fence(self.scope(configuration=True))
        wanted = self.snapshot()
        self.driver.start_slot(self.scope(), BLUE, self.driver.pull(Engine(version=version)), wanted)
        assert self.becomes(lambda: self.slot().ready), self.slot()
        self.driver.open_edge(self.scope(), wanted)
        self.driver.switch(self.scope(), BLUE)

    def configure(self, wanted: GatewaySnapshot, slot: SlotName = BLUE) -> None:
        self.driver.configure_slot(self.scope(configuration=True), slot, wanted)

    def way(self, wanted: GatewaySnapshot) -> str:
        """Why it will take a new revision; empty where it goes in place."""
        return self.driver.observe(KEY, wanted).slots[BLUE].revision

    def observe(self) -> Observation:
        return self.driver.observe(KEY)

    def slot(self, name: SlotName = BLUE) -> SlotObservation:
        return self.observe().slots[name]

    def becomes(self, condition: Callable[[], bool]) -> bool:
        return bool(wait_for(lambda: condition() or None, clock=SystemClock(), seconds=PATIENCE))

    def answers(self, path: str = "/", *, host: str = "", port: int = 0) -> tuple[int, str]:
        """(status, generation that it tells) of a request through the published port."""
        address = ("127.0.0.1", port or self.ports[0])
        with contextlib.closing(http.client.HTTPConnection(*address, timeout=10)) as connection:
            connection.request("GET", path, headers={"host": host} if host else {})
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.getheader("x-generation") or ""

    def serves(self) -> bool:
        try:
            return self.answers()[0] == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False

    def owns(self, container: Container) -> bool:
        return self.driver.ground.names.mine(container.labels)

    def container(self, role: str) -> Container:
        """The one of this role: `slot` or `edge`."""
        installation = self.driver.ground.names.installation
        labels = [f"egx.dev/installation={installation}", f"egx.dev/role={role}"]
        (found,) = self.engine.containers.list(all=True, filters={"label": labels})
        return found

    def tend_until(self, condition: Callable[[], bool]) -> list[Revival | Retirement | ContainerNews]:
        """Tend, as EGX does all the time, until the condition holds; what was told meanwhile."""
        told: list[Revival | Retirement | ContainerNews] = []

        def look() -> bool | None:
            told.extend(self.driver.tend())
            return condition() or None

        assert wait_for(look, clock=SystemClock(), seconds=PATIENCE, every=0.1), (told, self.observe())
        return told


@contextlib.contextmanager
def served(driver: DockerDriver, engine: docker.DockerClient) -> Iterator[Served]:
    with hosts.backend("0.0.0.0", says="web") as web, hosts.backend("0.0.0.0", says="other") as other:
        yield Served(driver, engine, {"web": web, "other": other})
    driver.ground.daemon.close()
