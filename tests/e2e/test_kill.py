"""`kill -9` of EGX's whole process group: clients notice nothing, and the next `egx up` carries on where it was."""

from __future__ import annotations

from typing import Any

from tests.builders import route_yaml
from tests.deployments.xds.envoys import ENVOY
from tests.e2e.running import Egx, await_that, get, is_listening, streaming
from tests.load import Load

OTHER_VERSION = "local"
"""The same Envoy under a second version name."""
TRIES = 5
REPLACE = f"""
from gateways.models import Gateway
from updates.services import changes
print(changes.request_update(gateway=Gateway.objects.get(), by="tester", version="{OTHER_VERSION}").pk)
"""


def step(operation: dict[str, Any], name: str) -> str:
    return next((str(step["state"]) for step in operation["steps"] if step["name"] == name), "")


def load_goes_on(load: Load, *, requests: int = 20) -> None:
    """So many more requests are answered, from now."""
    answered = load.answered
    await_that(lambda: load.answered >= answered + requests or None, "the load is answered")


def test_a_kill_in_the_middle_of_a_replacement_loses_nothing_and_the_next_up_finishes_it() -> None:
    with Egx(EGX_ENVOY_BINARY=str(ENVOY)) as egx:
        egx.do("up", "-d")
        with Load(egx.demo_port) as load, streaming(egx.demo_port) as stream:
            load_goes_on(load)
            operation = egx.python(REPLACE)
            # The stream does not move over by itself, so the drain takes its whole time.
            await_that(
                lambda: step(egx.ask(f"/operations/{operation}"), "drain_old") == "running" or None,
                "the old slot is draining",
            )
            egx.kill_group()
            assert not is_listening(egx.port)
            load_goes_on(load)
            stream.read()

            egx.do("up", "-d")
            again = egx.operation_in(operation, "running")
            assert (again["attempt"], step(again, "drain_old")) == (2, "running")
            egx.operation_in(operation, "done")
            stream.read()  # the old slot is kept for it
            stream.close()
            load_goes_on(load)
        assert load.failures == []
        slots = {slot["name"]: slot["state"] for slot in egx.ask("/gateways/demo")["slots"]}
        assert slots == {"blue": "draining", "green": "serving"}


def test_a_kill_in_the_middle_of_a_configuration_loses_nothing_and_the_next_up_finishes_it(
    egx: Egx, backend: int
) -> None:
    egx.do("up", "-d")
    with Load(egx.demo_port) as load:
        load_goes_on(load)
        assert any(configuration_was_killed(egx, backend, path=f"/own-{n}") for n in range(TRIES))
        load_goes_on(load)
    assert load.failures == []


def configuration_was_killed(egx: Egx, backend: int, *, path: str) -> bool:
    """Kill at once when a worker has begun; whether it had not come to its end by then. It serves in any case."""
    written = route_yaml("own", gateway="demo", path=path, backend_port=backend)
    number = egx.tell("/apply", sources=[{"name": "own.yaml", "text": written}])["operations"][0]["id"]
    egx.operation_in(number, "running", "done")
    egx.kill_group()
    egx.do("up", "-d")
    operation = egx.operation_in(number, "done")
    assert get(egx.demo_port, path).json["instance"] == "own"
    return bool(operation["attempt"] == 2)


def test_a_kill_in_the_middle_of_a_removal_leaves_the_rest_of_it_to_the_next_up(egx: Egx) -> None:
    egx.do("up", "-d")
    with streaming(egx.demo_port):  # so that it waits, for its grace
        removal = egx.do("remove", "demo", "--no-wait", "--json").json["operations"][0]["id"]
        egx.operation_in(removal, "running")
        egx.kill_group()
        egx.do("up", "-d")
        assert egx.operation_in(removal, "done")["attempt"] == 2
    assert not is_listening(egx.demo_port)
    assert egx.ask("/gateways")["items"] == []


def test_a_kill_in_the_middle_of_the_first_deployment_leaves_it_to_the_next_up(egx: Egx) -> None:
    egx.start()
    egx.await_answers()
    egx.operation_in(1, "running")
    egx.kill_group()
    assert not is_listening(egx.port)
    egx.do("up", "-d")
    assert egx.operation_in(1, "done")["attempt"] == 2
    assert get(egx.demo_port).json["instance"] == "demo"
