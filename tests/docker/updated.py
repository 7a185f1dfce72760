"""A gateway on the testbed's Engine whose operations are carried out by workers that may be killed."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from egx_project.lib.clock import SystemClock, wait_for
from tests import builders, hosts
from tests.docker import places
from tests.kill import rig, worker
from tests.kill.rig import Run, Worker
from tests.load import Load
from tests.testbed.state import Testbed

ANSWER_SECONDS = 10.0


class _Ask:
    """A request made in a process of its own: picklable, with what it needs."""

    def __init__(self, home: Path, settings: dict[str, Any], make: Callable[..., Any], *args: Any) -> None:
        self.home, self.settings, self.make, self.args = home, settings, make, args

    def __call__(self, wire: Connection) -> None:
        worker.use_home(self.home, self.settings)
        wire.send(self.make(*self.args))


def deploy(port: int, backend: int) -> None:
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    text = builders.gateway_yaml(ports=(port,)) + builders.route_yaml(backend_port=backend)
    builders.serve_gateway(target=builders.docker_target(), text=text)


def update(version: str, url: str, sha256: str) -> int:
    from gateways.models import Gateway

    facts = {"channel": "envoy-gateway", "url": url, "sha256": sha256}
    return builders.ask_update(Gateway.objects.get(), version, **facts).pk


IN_PLACE, NEW_REVISION = "in place", "new revision"


def configure(port: int, backend: int, number: int, way: str) -> int:
    """`number` makes it another one each time."""
    text = builders.gateway_yaml(ports=(port,)) + builders.route_yaml(backend_port=backend)
    if way == IN_PLACE:
        extra = builders.route_yaml(f"extra-{number}", path=f"/{number}", with_backend=False)
        return builders.apply(text + extra, target=builders.docker_target()).operations[0].pk
    hostnames = f"\n  hostnames: [{', '.join(f'h{n}.example' for n in range(number + 1))}, 127.0.0.1.nip.example]"
    other = builders.route_yaml("other", path="/other", with_backend=False).rstrip() + hostnames
    return builders.apply(text + other + "\n", target=builders.docker_target()).operations[0].pk


class Gateway:
    """One gateway that serves, and whoever asks for changes of it."""

    def __init__(self, home: Path, settings: dict[str, Any], testbed: Testbed, backend: int) -> None:
        self.home, self.settings, self.testbed, self.backend = home, settings, testbed, backend
        self.port = hosts.free_port()
        self.serves = 0
        self.ask(deploy, self.port, backend)

    def ask(self, make: Callable[..., Any], *args: Any) -> Any:
        return rig.ask(_Ask(self.home, self.settings, make, *args))

    def update(self) -> int:
        self.serves = 1 - self.serves
        version = places.VERSIONS[self.serves]
        image = self.testbed.images[f"gateway-v{version}"]
        return int(self.ask(update, version, f"oci://{image.reference}", image.digest.removeprefix("sha256:")))

    def configure(self, number: int, way: str) -> int:
        return int(self.ask(configure, self.port, self.backend, number, way))

    def run(self, operation: int, instant: tuple[int, float] | None = None) -> Run:
        return Worker(self.home, operation, self.settings).drive(rig.go, random_kill=instant)

    def finish(self, operation: int, load: Load, *, where: object) -> None:
        answered = load.answered
        state = rig.finish(self.home, operation, self.settings)
        assert state == "done", (where, rig.rows(self.home, operation)["operation"]["error"])
        assert wait_for(lambda: load.answered > answered or None, clock=SystemClock(), seconds=ANSWER_SECONDS)
