"""Support services by their rows: switched, carried out, and tried again, without an Engine that answers."""

from __future__ import annotations

import pytest

from deployments import support, targets
from deployments.models import ServiceState, SupportService
from egx_project.lib.errors import BadInputError, ConflictError, NotFoundError
from gateways.models import Target, TargetKind
from gateways.services import ensure_target
from tests.builders import fake_target

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def target() -> Target:
    found = ensure_target(name="docker", kind=TargetKind.DOCKER, node="test")
    Target.objects.filter(pk=found.pk).update(options={"host": "unix:///nowhere/docker.sock"})
    return Target.objects.get(pk=found.pk)


def switch(name: str = "test-backend", *, on: bool = True) -> SupportService:
    return support.switch(target="docker", name=name, on=on, by="tester").row


def test_every_docker_target_has_all_services_and_each_is_off_at_first() -> None:
    fake_target()
    found = support.services()
    assert [(one.target.name, str(one.name), one.row.state) for one in found] == [
        ("docker", name, "off") for name in ("test-backend", "log-agent", "prometheus")
    ]
    assert not SupportService.objects.exists()


def test_a_docker_that_is_down_is_a_sentence_and_waited_for_ever_more_slowly() -> None:
    switch()
    pauses = []
    for _try in range(3):
        SupportService.objects.update(not_before=None)
        pauses.append(support.converge())
    row = SupportService.objects.get()
    assert (row.state, row.failures) == (ServiceState.FAILED, 3)
    assert "there is no Docker at unix:///nowhere/docker.sock" in row.problem
    assert [round(pause or 0) for pause in pauses] == [2, 4, 8]
    assert support.converge() is not None
    assert SupportService.objects.get().failures == 3
    shown = support.find_service(target="docker", name="test-backend")
    assert shown.problem == row.problem


def test_the_log_agent_needs_no_container() -> None:
    switch("log-agent")
    assert support.converge() is None
    assert SupportService.objects.get().state == ServiceState.ON
    switch("log-agent", on=False)
    assert support.converge() is None
    assert SupportService.objects.get().state == ServiceState.OFF


def test_who_carries_an_older_wish_out_does_not_answer_for_the_newer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    switch("log-agent")
    old = SupportService.objects.select_related("target").get()
    switch("log-agent", on=False)
    support._settle(old, ServiceState.ON)
    assert SupportService.objects.get().state == ServiceState.STOPPING


def test_a_target_is_not_forgotten_while_it_has_services() -> None:
    switch("log-agent")
    with pytest.raises(ConflictError, match="support service log-agent"):
        targets.remove_target(name="docker")
    SupportService.objects.update(wanted=False, state=ServiceState.OFF)
    targets.remove_target(name="docker")


def test_what_there_is_not_is_refused_by_name() -> None:
    fake_target()
    with pytest.raises(NotFoundError, match="no support service"):
        switch("nothing")
    with pytest.raises(NotFoundError, match="no target"):
        support.switch(target="nowhere", name="test-backend", on=True, by="tester")
    with pytest.raises(BadInputError, match="has no support services"):
        support.switch(target="local", name="test-backend", on=True, by="tester")
