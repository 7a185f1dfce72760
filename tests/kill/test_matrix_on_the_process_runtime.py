"""SIGKILL of the worker around every effect on real Envoys, under load: nobody loses a request, nothing is left over.

One gateway goes back and forth between two engine versions (and two configurations); each time its worker is killed at
the next point of the plan, and another one finishes.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from egx_project.lib.clock import SystemClock, wait_for
from tests import builders, hosts
from tests.deployments.xds.envoys import ENVOY as BINARY
from tests.kill import rig, worker
from tests.kill.rig import Decide, Run, Worker
from tests.load import Load

pytestmark = pytest.mark.timeout(400)
SETTINGS = {"EGX_ENVOY_BINARY": str(BINARY)}
"""The same binary under a second version name: `local`."""
VERSIONS = ("local", "1.40.0")
SEED = 20261125
ANSWER_SECONDS = 10.0
INSTANTS = 3


@pytest.fixture
def backend() -> Iterator[int]:
    with hosts.backend() as port:
        yield port


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="egx-"))  # short: Unix sockets lie below it
    yield folder
    hosts.stop_units(folder)
    assert not hosts.processes_below(folder)
    shutil.rmtree(folder)


class _Ask:
    """A request made in a process of its own: picklable, with what it needs."""

    def __init__(self, home: Path, make: Callable[..., Any], *args: Any) -> None:
        self.home, self.make, self.args = home, make, args

    def __call__(self, wire: Connection) -> None:
        worker.use_home(self.home, SETTINGS)
        wire.send(self.make(*self.args))


def ask(home: Path, make: Callable[..., Any], *args: Any) -> Any:
    return rig.ask(_Ask(home, make, *args))


def deploy(port: int, backend: int) -> None:
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    text = builders.gateway_yaml(ports=(port,)) + builders.route_yaml(backend_port=backend)
    builders.serve_gateway(target=builders.process_target(), text=text)


def replace(version: str) -> int:
    from gateways.models import Gateway

    return builders.ask_update(Gateway.objects.get(), version).pk


def configure(port: int, other: int, backend: int, flip: bool) -> int:
    ports = (port, other) if flip else (port,)
    path = "/flip" if flip else "/flop"
    text = builders.gateway_yaml(ports=ports) + builders.route_yaml(backend_port=backend)
    text += builders.route_yaml("extra", path=path, backend_port=backend).split("---\napiVersion: gateway.envoyproxy")[
        0
    ]
    return builders.apply(text, target=builders.process_target()).operations[0].pk


def clean(home: Path) -> None:
    assert hosts.processes_below(home) == hosts.processes_of_units(home)
    assert not list((home / "run").rglob(".*.tmp"))


def finished(home: Path, operation: int, load: Load, *, expected: str, where: object) -> None:
    """Other workers bring the operation to its end, clients are answered meanwhile, and nothing is left over."""
    answered = load.answered
    state = rig.finish(home, operation, SETTINGS)
    assert state == expected, (where, rig.rows(home, operation)["operation"]["error"])
    # What is left to do may take less time than an answer: then the next one says it.
    assert wait_for(lambda: load.answered > answered or None, clock=SystemClock(), seconds=ANSWER_SECONDS)
    clean(home)


def matrix(home: Path, port: int, request_change: Callable[[int], int], decide_at: Callable[[int], Decide]) -> int:
    """Kill at point 0, then 1, and so on, each time in a new operation, until one comes to its end unkilled."""
    n = 0
    with Load(port) as load:
        while True:
            operation = request_change(n)
            run = Worker(home, operation, SETTINGS).drive(decide_at(n))
            if run.state:
                break
            finished(home, operation, load, expected="done", where=run.points[-1])
            n += 1
    assert load.failures == []
    assert run.state == "done"
    return n


def test_a_kill_at_every_boundary_of_a_replacement_loses_no_request(home: Path, backend: int) -> None:
    port = hosts.free_port()
    ask(home, deploy, port, backend)
    killed = matrix(home, port, lambda n: int(ask(home, replace, VERSIONS[n % 2])), lambda n: rig.at(n, "kill"))
    assert killed > 20


def test_a_kill_at_every_boundary_of_a_configuration_loses_no_request(home: Path, backend: int) -> None:
    port, other = hosts.free_port(), hosts.free_port()
    ask(home, deploy, port, backend)
    killed = matrix(
        home, port, lambda n: int(ask(home, configure, port, other, backend, n % 2 == 0)), lambda n: rig.at(n, "kill")
    )
    assert killed > 5


def replacement(home: Path, backend: int) -> tuple[int, Run]:
    """A gateway that serves `local`, its port, and the run that brought it there from 1.40.0."""
    port = hosts.free_port()
    ask(home, deploy, port, backend)
    reference = Worker(home, int(ask(home, replace, "local")), SETTINGS).drive(rig.go)
    assert reference.state == "done"
    return port, reference


def test_an_error_around_every_effect_of_a_replacement_leaves_the_old_one_serving(home: Path, backend: int) -> None:
    port, reference = replacement(home, backend)
    with Load(port) as load:
        for n in rig.effects(reference):
            run = Worker(home, int(ask(home, replace, "1.40.0")), SETTINGS).drive(rig.at(n, "fail"))
            assert run.state == "rolled_back", reference.points[n]
            clean(home)
    assert load.failures == []


@pytest.mark.matrix
def test_a_kill_at_random_instants_inside_every_step_of_a_replacement_loses_no_request(
    home: Path, backend: int
) -> None:
    port, reference = replacement(home, backend)
    with Load(port) as load:
        for number, instant in enumerate(rig.instants(reference, each=INSTANTS, seed=SEED)):
            operation = int(ask(home, replace, VERSIONS[(number + 1) % 2]))
            Worker(home, operation, SETTINGS).drive(rig.go, random_kill=instant)
            finished(home, operation, load, expected="done", where=instant)
    assert load.failures == []


@pytest.mark.matrix
def test_a_kill_at_every_boundary_and_instant_of_an_undo_loses_no_request(home: Path, backend: int) -> None:
    port, reference = replacement(home, backend)
    last = rig.effects(reference)[-1]
    undone = Worker(home, int(ask(home, replace, "1.40.0")), SETTINGS).drive(rig.at(last, "fail"))
    assert undone.state == "rolled_back"
    instants = [instant for instant in rig.instants(undone, each=INSTANTS, seed=SEED) if instant[0] > last]
    kills = [(rig.fail_then_kill(last, n), None) for n in range(last + 1, len(undone.points) - 1)]
    with Load(port) as load:
        for decide, instant in [*kills, *((rig.at(last, "fail"), instant) for instant in instants)]:
            operation = int(ask(home, replace, "1.40.0"))
            run = Worker(home, operation, SETTINGS).drive(decide, random_kill=instant)
            finished(home, operation, load, expected="rolled_back", where=run.points[-1])
    assert load.failures == []


@pytest.mark.matrix
def test_a_superseded_worker_that_wakes_late_changes_nothing_of_a_real_gateway(home: Path, backend: int) -> None:
    port, reference = replacement(home, backend)
    with Load(port) as load:
        for n in range(len(reference.points) - 1):
            operation = int(ask(home, replace, VERSIONS[(n + 1) % 2]))
            late = Worker(home, operation, SETTINGS)
            late.drive(rig.at(n, "hold"))
            rig.take_from_its_worker(home, operation)
            finished(home, operation, load, expected="done", where=reference.points[n])
            before = files(home), rig.rows(home, operation)
            late.let_go()
            late.drive(rig.go)
            assert (files(home), rig.rows(home, operation)) == before, reference.points[n]
    assert load.failures == []


def files(home: Path) -> dict[str, bytes]:
    """All that says what the gateway's processes are and hold."""
    return {str(file.relative_to(home)): file.read_bytes() for file in (home / "run").rglob("*.json")}
