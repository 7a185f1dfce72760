"""Workers as processes of their own, each held, failed or killed at a point of the parent's choice."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kill import worker
from tests.kill.worker import NONE, Settings

Point = tuple[str, str, str]
"""`(do|undo|effect, name, enter|leave|before|after)`, or `("end", state, "")`."""
Decide = Callable[[int, Point], str]
"""What becomes of the worker at its n-th point: `go`, `fail`, `kill` or `hold`."""
Make = Callable[[Path], tuple[int, str]]

ANSWER_SECONDS = 60.0

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["tests.kill.preload"])


def go(_n: int, _point: Point) -> str:
    return "go"


def at(chosen: int, what: str) -> Decide:
    return lambda n, _point: what if n == chosen else "go"


def fail_then_kill(fail_at: int, kill_at: int) -> Decide:
    return lambda n, _point: {fail_at: "fail", kill_at: "kill"}.get(n, "go")


@dataclass
class Run:
    """What a worker did until it ended, was held or was killed."""

    points: list[Point] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    """When each point was reached, seconds."""
    state: str = ""
    """The operation's, if the worker came to its own end."""


class Worker:
    """One worker process at one operation."""

    def __init__(self, home: Path, operation_id: int, settings: Settings = NONE) -> None:
        self.wire, theirs = _server.Pipe()
        self.process = _server.Process(target=worker.work, args=(theirs, home, operation_id, settings))
        self.process.start()
        theirs.close()
        self.run = Run()

    def drive(self, decide: Decide, *, random_kill: tuple[int, float] | None = None) -> Run:
        """Answer the worker's announcements until it ends, is killed, or is held (then call again to let it go on)."""
        while True:
            if not self.wire.poll(ANSWER_SECONDS):
                self.kill()
                raise AssertionError(f"the worker hangs after {self.run.points[-3:]}")
            try:
                point = self.wire.recv()
            except EOFError:
                self.process.join()
                return self.run
            self.run.points.append(point)
            self.run.at.append(time.monotonic())
            if point[0] == "end":
                self.run.state = point[1]
                self.process.join()
                return self.run
            n = len(self.run.points) - 1
            if random_kill and n == random_kill[0]:
                self.wire.send("go")
                self._kill_after(random_kill[1])
                return self.run
            what = decide(n, point)
            if what == "kill":
                self.kill()
                return self.run
            if what == "hold":
                return self.run
            self.wire.send(what)

    def _kill_after(self, seconds: float) -> None:
        """Answer whatever comes for so long, then kill: the instant falls where it falls."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and self.wire.poll(left):
            try:
                point = self.wire.recv()
            except EOFError:
                break
            self.run.points.append(point)
            if point[0] != "end":
                self.wire.send("go")
        self.kill()

    def let_go(self) -> None:
        """Answer the point at which the worker is held."""
        self.wire.send("go")

    def kill(self) -> None:
        self.process.kill()  # SIGKILL
        self.process.join()


def ask(body: Callable[..., None], *args: Any) -> Any:
    """Run a body of `worker` in a process of its own; its answer."""
    ours, theirs = _server.Pipe()
    process = _server.Process(target=body, args=(theirs, *args))
    process.start()
    theirs.close()
    try:
        return ours.recv()
    except EOFError:
        raise AssertionError(f"{body} ended without an answer") from None
    finally:
        process.join()


@dataclass(frozen=True)
class Template:
    """A data directory with an operation that waits, to be copied for each run."""

    home: Path
    operation_id: int
    key: str

    def copy(self, to: Path) -> Path:
        return Path(shutil.copytree(self.home, to, ignore=shutil.ignore_patterns("*.sock", "secret_key")))


def template(home: Path, make: Make) -> Template:
    home.mkdir(parents=True)
    operation_id, key = ask(worker.prepare, home, make)
    return Template(home=home, operation_id=operation_id, key=key)


def finish(home: Path, operation_id: int, settings: Settings = NONE, *, most: int = 12) -> str:
    """Let new workers have the operation until it has ended; its state."""
    for _attempt in range(most):
        state = Worker(home, operation_id, settings).drive(go).state
        if state not in {"queued", "running", "undoing"}:
            return state
    raise AssertionError(f"operation {operation_id} does not end")


def rows(home: Path, operation_id: int) -> dict[str, Any]:
    found: dict[str, Any] = ask(worker.read, home, operation_id)
    return found


def take_from_its_worker(home: Path, operation_id: int) -> None:
    ask(worker.release, home, operation_id)


def effects(run: Run) -> list[int]:
    """The points before and after each effect of the steps (the fence, which comes before all steps, aside)."""
    first = next(n for n, point in enumerate(run.points) if point[0] == "do")
    return [n for n, point in enumerate(run.points) if point[0] == "effect" and n > first]


def instants(run: Run, *, each: int, seed: int) -> list[tuple[int, float]]:
    """Random moments inside each `do` and `undo` of a reference run: (index of its beginning, seconds after)."""
    dice = random.Random(seed)
    found = []
    for n, (way, name, place) in enumerate(run.points):
        if way in {"do", "undo"} and place == "enter":
            end = run.points.index((way, name, "leave"), n) if (way, name, "leave") in run.points[n:] else n
            lasted = max(run.at[end] - run.at[n], 0.001)
            found += [(n, dice.uniform(0, lasted)) for _ in range(each)]
    return found
