"""Support services as containers: made, kept and taken away, whatever is killed."""

from __future__ import annotations

import json

import pytest

from deployments import support
from deployments.drivers.docker.support import Support
from deployments.drivers.supporting import ServiceName
from deployments.models import ServiceState, SupportService
from egx_project.events.models import Event
from tests.docker.serving import Serving

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

BACKEND = ServiceName.TEST_BACKEND


def test_a_route_reaches_the_test_backend_by_its_name(egx: Serving) -> None:
    egx.start(BACKEND)
    egx.deploy()
    status, answer = egx.ask("/hello")
    assert status == 200
    assert json.loads(answer)["path"] == "/hello"
    shown = egx.shown(BACKEND)
    assert shown.observed is not None
    assert shown.observed.address == "test-backend:8000"
    container = egx.container(BACKEND)
    assert container is not None
    assert container.published == ()


def test_what_was_removed_by_hand_comes_back_at_its_address_and_is_told(egx: Serving) -> None:
    egx.start(BACKEND)
    egx.deploy()
    before = egx.container(BACKEND)
    assert before is not None
    egx.driver.ground.daemon.remove(before.id)
    assert egx.tend() == ["test-backend"]
    assert egx.becomes(lambda: egx.ask()[0] == 200)
    after = egx.container(BACKEND)
    assert after is not None
    assert (after.id != before.id, after.addresses) == (True, before.addresses)


def test_a_worker_that_was_killed_in_between_left_nothing_that_the_next_does_not_finish(
    egx: Serving,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class KilledError(BaseException):
        pass

    def killed(*_: object) -> None:
        raise KilledError

    support.switch(target="docker", name=BACKEND, on=True, by="tester")
    with monkeypatch.context() as patch:
        patch.setattr(Support, "_raise", killed)
        with pytest.raises(KilledError):
            support.converge()
    assert SupportService.objects.get().state == ServiceState.STARTING
    assert egx.tend() == ["test-backend"]
    support.converge()
    assert SupportService.objects.get().state == ServiceState.ON
    support.switch(target="docker", name=BACKEND, on=False, by="tester")
    with monkeypatch.context() as patch:
        patch.setattr(Support, "_take_away", killed)
        with pytest.raises(KilledError):
            support.converge()
    support.converge()
    assert SupportService.objects.get().state == ServiceState.OFF
    assert egx.container(BACKEND) is None


def test_what_is_shared_goes_with_the_last_gateway_and_service(egx: Serving) -> None:
    egx.start(BACKEND)
    names = egx.driver.ground.names
    egx.switch(BACKEND, on=False)
    assert egx.containers() == []
    assert egx.driver.ground.daemon.network(names.network) is None
    assert egx.driver.ground.daemon.volume(names.volume) is None


def test_other_settings_make_it_anew_when_egx_starts(egx: Serving) -> None:
    egx.start(BACKEND)
    before = egx.container(BACKEND)
    support.converge(anew=True)
    assert egx.container(BACKEND) == before or egx.container(BACKEND).id == before.id  # type: ignore[union-attr]
    SupportService.objects.update(wanted=False, state=ServiceState.OFF)  # as an older backup of the rows has it
    support.converge(anew=True)
    assert egx.container(BACKEND) is None


def test_an_image_that_cannot_be_had_is_a_sentence_and_is_tried_again(egx: Serving) -> None:
    row = egx.switch(ServiceName.PROMETHEUS)
    assert row.state == ServiceState.FAILED
    assert "nobody/has-this" in row.problem
    assert row.not_before is not None
    assert egx.driver.support.meant() == []
    assert support.converge() is not None
    told = Event.objects.filter(kind="service.changed").order_by("number")
    assert [event.data["state"] for event in told] == ["starting", "failed"]
    assert egx.switch(ServiceName.PROMETHEUS, on=False).state == ServiceState.OFF
