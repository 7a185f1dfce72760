"""Fifty gateways cost the Docker Engine as many questions as one."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from deployments.drivers.base import Scope, SlotName
from deployments.drivers.docker import names
from deployments.drivers.docker.driver import DockerDriver
from deployments.drivers.docker.records import EdgeRecord, Image, Record, Revision, SlotRecord
from tests.docker import places
from tests.testbed.state import Testbed

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]
MANY = 50


@pytest.fixture
def driver(testbed: Testbed) -> Iterator[DockerDriver]:
    with places.home_of(testbed) as home:
        yield places.driver(home, testbed)


def put(driver: DockerDriver, engine: docker.DockerClient, image: str, number: int) -> str:
    """A gateway as its records have it, whose container is there and does not run."""
    key = f"gw{number}"
    driver.fence(Scope(key=key, fence=1))
    made_of = Image(reference=image, version="1.9.0", digest="sha256:0")
    revision = Revision(
        number=1, slot=SlotName.BLUE, engine=made_of, envoy=made_of, address=f"10.213.1.{number}",
        fence=1, generation=1, accepted=1,
    )  # fmt: skip
    record = Record(
        name=f"web-{number}",
        block=number,
        slots={SlotName.BLUE: SlotRecord(current=1, wanted=False)},
        revisions={1: revision},
        edge=EdgeRecord(),
    )
    driver._shelf(key).write(record)
    ours = driver.ground.names
    labels = ours.labels(names.Role.SLOT, gateway=key, slot="blue", revision=1)
    engine.containers.create(image, ["true"], name=ours.slot(key, record.name, "blue", 1), labels=labels)
    return key


def test_many_gateways_are_observed_by_as_many_questions_as_one(
    driver: DockerDriver, engine: docker.DockerClient, testbed: Testbed
) -> None:
    image = str(engine.images.get(testbed.images["busybox"].reference).id)
    keys = [put(driver, engine, image, number) for number in range(1, MANY + 1)]

    def questions(few: list[str]) -> int:
        before = driver.ground.daemon.calls
        found = driver.observe_all(few)
        assert set(found) == set(few)
        assert all(found[key].slots[SlotName.BLUE].engine for key in few)
        return driver.ground.daemon.calls - before

    assert questions(keys[:1]) == questions(keys) == 1
    driver.tend()
    before = driver.ground.daemon.calls
    driver.tending._next_look = 0.0
    assert driver.tend() == []
    assert driver.ground.daemon.calls - before <= 2
