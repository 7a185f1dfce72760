"""SIGKILL of the worker inside every step on the real Envoy Gateway, under load: nobody loses a request, nothing is
left over.

One gateway goes back and forth between two releases, and between configurations that go in place and that need a new
revision; each time its worker is killed at another instant, and another one finishes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import hosts
from tests.docker import places
from tests.docker.updated import IN_PLACE, NEW_REVISION, Gateway
from tests.kill import rig
from tests.load import Load
from tests.testbed.state import Testbed

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]
SEED = 20261126


@pytest.fixture
def backend() -> Iterator[int]:
    with hosts.backend("0.0.0.0") as port:
        yield port


@pytest.fixture
def home(testbed: Testbed) -> Iterator[Path]:
    with places.home_of(testbed) as folder:
        yield folder


@pytest.fixture
def settings_(testbed: Testbed) -> dict[str, Any]:
    return places.settings(testbed)


@pytest.fixture
def gateway(home: Path, settings_: dict[str, Any], testbed: Testbed, backend: int) -> Gateway:
    return Gateway(home, settings_, testbed, backend)


def test_a_kill_inside_every_step_of_an_update_loses_no_request(gateway: Gateway) -> None:
    with Load(gateway.port) as load:
        reference = gateway.run(gateway.update())
        assert reference.state == "done"
        for instant in rig.instants(reference, each=1, seed=SEED):
            operation = gateway.update()
            gateway.run(operation, instant)
            gateway.finish(operation, load, where=(instant, reference.points[instant[0]]))
    assert load.failures == []


@pytest.mark.parametrize("way", [IN_PLACE, NEW_REVISION])
def test_a_kill_inside_a_configuration_loses_no_request(gateway: Gateway, way: str) -> None:
    with Load(gateway.port) as load:
        reference = gateway.run(gateway.configure(0, way))
        assert reference.state == "done"
        for number, instant in enumerate(rig.instants(reference, each=4, seed=SEED), start=1):
            operation = gateway.configure(number, way)
            gateway.run(operation, instant)
            gateway.finish(operation, load, where=(instant, reference.points[instant[0]]))
    assert load.failures == []
