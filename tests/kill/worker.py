"""The body of a worker process that tells its parent where it is, and waits for leave to go on.

It runs the product's own executor, planner, steps and driver; only the calls into steps and driver are announced.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from deployments.drivers.base import DriverError
from deployments.engine.step import Arguments, Means, Result, Step, StepContext

LOOKING = {"kind", "refusals", "preflight", "observe", "tend"}
"""What of a driver has no effect."""


Settings = Mapping[str, Any]
NONE: Settings = {}


class InjectedError(DriverError):
    """The failure that the parent asked for."""


class Line:
    """The wire to the parent: says a point, and does as the parent answers."""

    def __init__(self, wire: Connection) -> None:
        self.wire = wire

    def at(self, *point: str) -> None:
        self.wire.send(point)
        if self.wire.recv() == "fail":
            raise InjectedError("a failure that the test asked for")


class AnnouncedDriver:
    def __init__(self, driver: Means, line: Line) -> None:
        self._driver = driver
        self._line = line

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._driver, name)
        if name in LOOKING or not callable(found):
            return found

        def effect(*args: Any, **kwargs: Any) -> Any:
            self._line.at("effect", name, "before")
            answer = found(*args, **kwargs)
            self._line.at("effect", name, "after")
            return answer

        return effect


class AnnouncedStep:
    def __init__(self, step: Step, line: Line) -> None:
        self.name = step.name
        self.irreversible = step.irreversible
        self.once = step.once
        self._step = step
        self._line = line

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        result: Result = self._told("do", lambda: self._step.do(context, arguments))
        return result

    def undo(self, context: StepContext, arguments: Arguments, result: Result) -> None:
        self._told("undo", lambda: self._step.undo(context, arguments, result))

    def _told(self, way: str, act: Callable[[], Any]) -> Any:
        self._line.at(way, self.name, "enter")
        answer = act()
        self._line.at(way, self.name, "leave")
        return answer


def use_home(home: Path, settings_: Settings = NONE) -> None:
    """Make this process work on that data directory, with these settings of EGX."""
    from django.conf import settings
    from django.db import connections

    logging.disable(logging.CRITICAL)
    settings.EGX_DATA_DIR = home
    for name, value in settings_.items():
        setattr(settings, name, value)
    connections["default"].settings_dict["NAME"] = str(home / "egx.sqlite3")


def work(wire: Connection, home: Path, operation_id: int, settings: Settings) -> None:
    """Carry the operation out, announced; the last word is its state."""
    use_home(home, settings)
    from dataclasses import replace

    from deployments.engine import executor
    from deployments.models import Operation
    from deployments.tasks import workshop

    line, shop = Line(wire), workshop()
    steps: Mapping[str, Step] = {name: AnnouncedStep(step, line) for name, step in shop.steps.items()}
    announced: Any = lambda operation: AnnouncedDriver(shop.driver_for(operation), line)  # noqa: E731
    executor.run(operation_id, replace(shop, steps=steps, driver_for=announced))
    wire.send(("end", Operation.objects.get(pk=operation_id).state, ""))


def prepare(wire: Connection, home: Path, make: Callable[[Path], tuple[int, str]]) -> None:
    """Make a data directory with an operation that waits: answers its number and its gateway's key."""
    use_home(home)
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    wire.send(make(home))


def release(wire: Connection, home: Path, operation_id: int) -> None:
    """Take the operation from its worker, as a reaper does that sees no heartbeat from another host."""
    use_home(home)
    from deployments.models import Operation

    Operation.objects.filter(pk=operation_id).update(owner="")
    wire.send(True)


def resume(wire: Connection, home: Path, operation_id: int) -> None:
    """As an operator does after `failed`."""
    use_home(home)
    from deployments import services

    services.resume(operation_id=operation_id, by="tester")
    wire.send(True)


def read(wire: Connection, home: Path, operation_id: int) -> None:
    """The operation's rows, as plain data."""
    use_home(home)
    from deployments.models import Operation
    from egx_project.events.models import Event

    operation = Operation.objects.filter(pk=operation_id).values().get()
    steps = list(Operation.objects.get(pk=operation_id).steps.values("index", "name", "state", "attempt", "result"))
    wire.send({"operation": operation, "steps": steps, "events": Event.objects.count()})
