"""Prometheus is told what slots there are, and has their metrics; without it all else goes on."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from typing import Any
from urllib.parse import quote

import pytest

from deployments import support
from deployments.drivers.supporting import ServiceName
from deployments.models import ServiceState
from deployments.services import request_remove
from tests.builders import carry_out
from tests.docker.serving import Serving
from tests.testbed.state import Testbed

pytestmark = [pytest.mark.docker, pytest.mark.timeout(400)]

PROMETHEUS = ServiceName.PROMETHEUS
SCRAPED_SECONDS = 90.0


@pytest.fixture(autouse=True)
def image(testbed: Testbed, egx: Serving, settings: Any) -> None:
    settings.EGX_PROMETHEUS_IMAGE = testbed.images["prometheus"].reference


def driver_settings_now(egx: Serving) -> None:
    """The driver of the settings as they are now."""
    from deployments.drivers.docker.driver import DockerDriver
    from deployments.tasks import driver_of

    driver = driver_of(egx.target)
    assert isinstance(driver, DockerDriver)
    egx.driver = driver


def asked(port: int, path: str) -> Any:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())["data"]
        except (OSError, http.client.HTTPException, ValueError):
            return {}


def query(port: int, expression: str) -> list[dict[str, Any]]:
    found = asked(port, f"/api/v1/query?query={quote(expression)}").get("result", [])
    return [{**one["metric"], "value": float(one["value"][1])} for one in found]


def targets(port: int) -> set[tuple[str, str, str]]:
    found = asked(port, "/api/v1/targets?state=active").get("activeTargets", [])
    return {
        (one["labels"]["job"], one["labels"]["gateway"], one["labels"]["revision"])
        for one in found
        if "gateway" in one["labels"]
    }


def test_prometheus_has_the_metrics_of_slots_as_they_come_and_go(egx: Serving, settings: Any) -> None:
    driver_settings_now(egx)
    port = settings.EGX_PROMETHEUS_PORT
    egx.start(ServiceName.TEST_BACKEND)
    egx.start(PROMETHEUS)
    shown = egx.shown(PROMETHEUS)
    assert shown.observed is not None
    assert shown.observed.address == f"http://localhost:{port}"
    gateway = egx.deploy()
    egx.tend()
    both = {("envoy", "web", "1"), ("envoy-gateway", "web", "1")}
    assert egx.becomes(lambda: targets(port) == both)
    assert egx.becomes(lambda: len(query(port, 'up{gateway="web"} == 1')) == 2, seconds=SCRAPED_SECONDS)
    for _request in range(20):
        assert egx.ask()[0] == 200
    requests = 'sum by(gateway, slot, version) (envoy_http_downstream_rq_xx{envoy_response_code_class="2"})'
    assert egx.becomes(lambda: [one for one in query(port, requests) if one["value"] >= 20], seconds=SCRAPED_SECONDS), (
        query(port, requests)
    )
    (found,) = query(port, requests)
    assert (found["gateway"], found["slot"], found["version"]) == ("web", "blue", "1.9.0")
    assert carry_out(request_remove(gateway=gateway, by="tester")).state == "done"
    egx.tend()
    assert egx.becomes(lambda: targets(port) == set())
    assert egx.container(PROMETHEUS) is not None


def test_what_it_has_gathered_outlives_its_container(egx: Serving, settings: Any) -> None:
    driver_settings_now(egx)
    port = settings.EGX_PROMETHEUS_PORT
    egx.start(ServiceName.TEST_BACKEND)
    egx.start(PROMETHEUS)
    begun = "min_over_time(process_start_time_seconds{job='prometheus'}[1h])"
    assert egx.becomes(lambda: query(port, begun), seconds=SCRAPED_SECONDS)
    before = query(port, begun)
    egx.switch(PROMETHEUS, on=False)
    assert egx.container(PROMETHEUS) is None
    egx.start(PROMETHEUS)
    assert egx.becomes(lambda: query(port, begun) == before, seconds=SCRAPED_SECONDS)


def test_a_port_that_somebody_has_is_a_sentence_and_all_else_goes_on(egx: Serving, settings: Any) -> None:
    driver_settings_now(egx)
    with socket.create_server(("127.0.0.1", settings.EGX_PROMETHEUS_PORT)):
        row = egx.switch(PROMETHEUS)
        assert row.state == ServiceState.FAILED
        assert str(settings.EGX_PROMETHEUS_PORT) in row.problem
        assert row.hint
        egx.start(ServiceName.TEST_BACKEND)
        egx.deploy()
        assert egx.ask()[0] == 200
        assert egx.container(PROMETHEUS) is None
    row.not_before = None
    row.save()
    support.converge()
    row.refresh_from_db()
    assert (row.state, row.problem) == (ServiceState.ON, "")
