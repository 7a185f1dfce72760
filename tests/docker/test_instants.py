"""A kill between two effects of the driver: whoever comes next makes good what it left."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import docker
import pytest

from deployments.drivers import logins
from deployments.drivers.docker.edges import EdgeContainers
from deployments.drivers.docker.ground import Ground
from deployments.drivers.docker.in_place import InPlace
from deployments.drivers.docker.records import Shelf
from gateways.spec.snapshot import GatewaySnapshot
from tests.docker import gateways, places
from tests.docker.gateways import BLUE, Served, rule, set_header
from tests.load import Load
from tests.testbed.state import Testbed

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


class KilledError(BaseException):
    """Nothing catches it, as nothing catches SIGKILL."""


@pytest.fixture
def gateway(testbed: Testbed, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(logins, "_own", [])
    with places.home_of(testbed) as home, gateways.served(places.driver(home, testbed), engine) as made:
        made.serve()
        yield made


@contextlib.contextmanager
def killed_in(part: type, method: str) -> Iterator[None]:
    """Whoever comes to that method in the block is killed there, and somebody must come."""

    def killed(*_arguments: object, **_named: object) -> None:
        raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part, method, killed)
        with pytest.raises(KilledError):
            yield


def by_revision(gateway: Served) -> GatewaySnapshot:
    """A rule more than there is now."""
    told = [set_header(str(gateway.generation + 1))]
    return gateway.snapshot(rule(filters=told), rule("/other", backend="other", filters=told))


def test_a_revision_that_was_promoted_and_not_told_to_the_edge_gets_the_traffic(gateway: Served) -> None:
    with Load(gateway.ports[0], says="web") as load:
        with killed_in(EdgeContainers, "point"):
            gateway.configure(by_revision(gateway))
        assert gateway.answers() == (200, "1")
        gateway.tend_until(lambda: gateway.answers() == (200, "2"))
        gateway.tend_until(lambda: len(gateway.driver._shelf("gw1").read().revisions) == 1)
    assert load.failures == []


def test_a_revert_that_was_noted_and_not_written_is_written_by_the_next(gateway: Served) -> None:
    gateway.configure(gateway.snapshot())
    scope = gateway.scope(configuration=True)
    with killed_in(InPlace, "put_back"):
        gateway.driver.revert_slot(scope, BLUE, 2)
    gateway.driver.revert_slot(scope, BLUE, 2)
    assert gateway.answers() == (200, "1")
    assert gateway.slot().ready


def test_a_change_in_place_that_was_never_written_leaves_what_was_accepted_to_go_back_to(gateway: Served) -> None:
    accepted = gateway.driver._shelf("gw1").objects(1)
    for method in ("keep_before", "write", "write_objects"):
        wanted = gateway.snapshot()
        with killed_in(Shelf, method):
            gateway.configure(wanted)
        record = gateway.driver._shelf("gw1").read()
        assert gateway.driver._slot("gw1", BLUE).configuring.in_place.accepted(record.revisions[1]) == accepted
        assert gateway.answers() == (200, "1")
    gateway.configure(gateway.snapshot())
    assert gateway.answers() == (200, str(gateway.generation))


def test_a_removal_that_was_killed_before_the_last_cleaning_is_cleaned_by_the_next(gateway: Served) -> None:
    with killed_in(Ground, "clear"):
        gateway.driver.destroy(gateway.scope())
    assert gateway.driver.ground.subnet
    gateway.driver.destroy(gateway.scope())
    assert not gateway.driver.ground.subnet
    assert gateway.driver.ground.daemon.volume(gateway.driver.ground.names.volume) is None
