"""SIGKILL of the Docker Engine itself in every phase of an update, and of a configuration: when it is back, so is the
gateway, on the old engine or on the new one and with nothing left over.

It ends the Engine that all other tests use, so it runs by itself (`make test-docker`), and only where the testbed has
started that Engine. Docker ends its containers with itself, unless it is told not to (`live-restore`), so requests are
lost while it is away, by whomever; what is asserted is how it ends.
"""

from __future__ import annotations

import contextlib
import gc
import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from deployments.drivers.base import SilentError
from egx_project.lib.clock import SystemClock, wait_for
from tests import hosts
from tests.docker import places
from tests.docker.updated import IN_PLACE, NEW_REVISION, Gateway
from tests.kill import rig
from tests.kill.rig import Worker
from tests.requirements import require
from tests.testbed.engine import Engine
from tests.testbed.state import Testbed

pytestmark = [
    pytest.mark.engine_death,
    pytest.mark.timeout(900),
    # Docker's package leaves open what an Engine that dies has not answered.
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
]
SERVES_SECONDS = 90.0
PID_FILES = (Path("/var/run/docker.pid"), Path("/var/run/docker/containerd/containerd.pid"))
"""Of Docker, and of the containerd that dies with it."""


class MortalEngine:
    """The testbed's own Engine."""

    def __init__(self, testbed: Testbed) -> None:
        self.engine = Engine(testbed.socket)
        pid = self.engine.service.pid()
        require("docker", present=pid is not None, why="the Docker Engine here was not started by the testbed")

    def kill(self) -> None:
        pid = self.engine.service.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        gone = wait_for(lambda: self.engine.service.pid() is None or None, clock=SystemClock(), seconds=10.0)
        assert gone
        # The numbers of both stay taken where nobody reaps them, and Docker would take them for ones that run.
        for file in PID_FILES:
            file.unlink(missing_ok=True)

    def start(self) -> None:
        """By a program of its own, whose end it outlives."""
        subprocess.run([sys.executable, "-m", "tests.testbed", "up"], check=True, capture_output=True)


@pytest.fixture
def mortal(testbed: Testbed) -> MortalEngine:
    return MortalEngine(testbed)


@pytest.fixture
def gateway(testbed: Testbed, mortal: MortalEngine) -> Iterator[Gateway]:
    with places.home_of(testbed) as home, hosts.backend("0.0.0.0") as backend:
        gateway = Gateway(home, places.settings(testbed), testbed, backend)
        tender = Tender(home, testbed)
        tender.start()
        try:
            yield gateway
        finally:
            tender.end()
            mortal.start()
            gc.collect()


def status(port: int) -> int:
    """0 where nobody answers."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", "/")
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0


def killed_in(gateway: Gateway, mortal: MortalEngine, operation: int, step: str) -> str:
    """How the operation ended whose Engine died as it began the step, and was started again."""
    worker = Worker(gateway.home, operation, gateway.settings)
    run = worker.drive(lambda _n, point: "hold" if point == ("do", step, "enter") else "go")
    assert run.points[-1] == ("do", step, "enter"), run.points
    mortal.kill()
    with ThreadPoolExecutor(1) as pool:
        back = pool.submit(mortal.start)
        worker.let_go()
        worker.drive(rig.go)
        back.result()
    return rig.finish(gateway.home, operation, gateway.settings)


class Tender(threading.Thread):
    """What EGX does beside its operations: an Engine that was killed starts none of its containers again by itself."""

    def __init__(self, home: Path, testbed: Testbed) -> None:
        super().__init__()
        self.driver = places.driver(home, testbed)
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.1):
            with contextlib.suppress(SilentError):
                self.driver.tend()
        self.driver.ground.daemon.close()

    def end(self) -> None:
        self._over.set()
        self.join()


def serves(gateway: Gateway) -> bool:
    def look() -> bool | None:
        return status(gateway.port) == http.HTTPStatus.OK or None

    return bool(wait_for(look, clock=SystemClock(), seconds=SERVES_SECONDS, every=0.1))


def containers(gateway: Gateway, testbed: Testbed, mortal: MortalEngine) -> list[str]:
    """Roles of those that run, of this installation."""
    names = places.driver(gateway.home, testbed).ground.names
    client = mortal.engine.client()
    try:
        found = client.containers.list(filters={"label": f"egx.dev/installation={names.installation}"})
        return sorted(one.labels["egx.dev/role"] for one in found)
    finally:
        client.close()


def steps_of(gateway: Gateway, operation: int) -> list[str]:
    run = gateway.run(operation)
    assert run.state == "done"
    return [name for way, name, place in run.points if (way, place) == ("do", "enter")]


def test_an_update_whose_engine_dies_in_any_phase_ends_in_one_working_release(
    gateway: Gateway, testbed: Testbed, mortal: MortalEngine
) -> None:
    served = containers(gateway, testbed, mortal)
    for step in steps_of(gateway, gateway.update()):
        operation = gateway.update()
        state = killed_in(gateway, mortal, operation, step)
        assert state in {"done", "rolled_back"}, (step, rig.rows(gateway.home, operation)["operation"]["error"])
        if state == "rolled_back":
            gateway.serves = 1 - gateway.serves
        assert serves(gateway), step
        assert [one for one in containers(gateway, testbed, mortal) if one != "slot"] == [
            one for one in served if one != "slot"
        ], step


def test_a_configuration_whose_engine_dies_in_any_phase_ends_in_one_configuration(
    gateway: Gateway, testbed: Testbed, mortal: MortalEngine
) -> None:
    for way in (IN_PLACE, NEW_REVISION):
        for number, step in enumerate(steps_of(gateway, gateway.configure(0, way)), start=1):
            operation = gateway.configure(number, way)
            state = killed_in(gateway, mortal, operation, step)
            assert state in {"done", "rolled_back"}, (step, rig.rows(gateway.home, operation)["operation"]["error"])
            assert serves(gateway), step
