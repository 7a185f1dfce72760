"""Gateways and support services of an EGX of its own on the testbed's Engine, by rows and services."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deployments import support
from deployments.drivers.base import Revival, Scope
from deployments.drivers.docker.daemon import Container
from deployments.drivers.docker.driver import DockerDriver
from deployments.drivers.supporting import ServiceName
from deployments.models import ServiceState, SupportService
from deployments.tasks import driver_of
from egx_project.lib.clock import SystemClock, wait_for
from gateways.models import Gateway, Target, TargetKind
from gateways.services import ensure_target
from tests import hosts
from tests.builders import apply, carry_out
from tests.testbed.state import Testbed

SECONDS = 30.0
GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: web}}
spec: {{gatewayClassName: egx, listeners: [{{name: http, port: {port}, protocol: HTTP}}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: web}}
spec:
  parentRefs: [{{name: web}}]
  rules: [{{backendRefs: [{{group: gateway.envoyproxy.io, kind: Backend, name: web}}]}}]
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: web}}
spec: {{endpoints: [{{fqdn: {{hostname: test-backend, port: 8000}}}}]}}
"""


@dataclass
class Serving:
    target: Target
    driver: DockerDriver
    port: int = field(default_factory=lambda: hosts.free_ports(1)[0])

    def deploy(self) -> Gateway:
        outcome = apply(GATEWAY.format(port=self.port), target=self.target)
        operation = carry_out(outcome.operations[0])
        assert operation.state == "done", operation.error
        assert operation.gateway is not None
        return operation.gateway

    def switch(self, name: ServiceName, *, on: bool = True) -> SupportService:
        """Switched and carried out, as far as that goes now."""
        support.switch(target=self.target.name, name=name, on=on, by="tester")
        support.converge()
        return SupportService.objects.get(target=self.target, name=name)

    def start(self, name: ServiceName) -> None:
        row = self.switch(name)
        assert row.state == ServiceState.ON, row.problem
        assert self.becomes(lambda: self.shown(name).observed is not None and self.shown(name).observed.ready)  # type: ignore[union-attr]

    def shown(self, name: ServiceName) -> support.Service:
        return support.find_service(target=self.target.name, name=name)

    def container(self, name: ServiceName) -> Container | None:
        wanted = self.driver.ground.names.support(name)
        return next((one for one in self.containers() if one.name == wanted), None)

    def containers(self) -> list[Container]:
        names = self.driver.ground.names
        return self.driver.ground.daemon.containers(f"egx.dev/installation={names.installation}")

    def becomes(self, condition: Callable[[], Any], *, seconds: float = SECONDS) -> bool:
        return bool(wait_for(lambda: condition() or None, clock=SystemClock(), seconds=seconds, every=0.1))

    def ask(self, path: str = "/", headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            try:
                connection.request("GET", path, headers=dict(headers or {}))
                answer = connection.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                return 0, b""

    def tend(self) -> list[str]:
        """Units that were revived."""
        self.driver.tending._next_look = 0.0
        return [found.unit for found in self.driver.tend() if isinstance(found, Revival)]


@contextlib.contextmanager
def serving(testbed: Testbed, settings: Any, home: Path) -> Iterator[Serving]:
    settings.EGX_DATA_DIR = home
    settings.EGX_ENVOY_CONCURRENCY = 1
    settings.EGX_HEALTHY_SECONDS = 60.0  # others use this machine, too
    settings.EGX_DOCKER_HOST = f"unix://{testbed.socket}"
    settings.ENVOY_GATEWAY_IMAGE = f"{testbed.registry}/envoyproxy/gateway:v1.9.0"
    settings.EGX_DOCKER_FILES_IMAGE = f"{testbed.registry}/busybox:1.36"
    settings.EGX_TEST_BACKEND_IMAGE = testbed.images["test-backend"].reference
    settings.EGX_PROMETHEUS_IMAGE = f"{testbed.registry}/nobody/has-this:1"
    settings.EGX_PROMETHEUS_PORT = hosts.free_ports(1)[0]
    target = ensure_target(name="docker", kind=TargetKind.DOCKER, node=settings.EGX_NODE)
    driver = driver_of(target)
    assert isinstance(driver, DockerDriver)
    made = Serving(target=target, driver=driver)
    try:
        yield made
    finally:
        for key in driver.folders.names():
            scope = Scope(key=key, fence=2**40)
            driver.fence(scope)
            driver.destroy(scope)
        driver.support.run_agent(wanted=False)
        for name in ServiceName:
            driver.support.stop(name)
        left = [one.name for one in made.containers()]
        names = driver.ground.names
        volumes = [driver.ground.daemon.volume(one) for one in (names.volume, names.prometheus_data)]
        assert (left, volumes, driver.ground.daemon.network(names.network)) == ([], [None, None], None)
