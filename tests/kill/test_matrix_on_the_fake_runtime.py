"""SIGKILL and errors everywhere: the end is old or new, somebody always serves, a fenced worker changes nothing.

The points come from a reference run of the operation itself, so a new step or effect is covered by being in a plan.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deployments.engine.catalog import STEPS
from tests.kill import rig, worker
from tests.kill.rig import Decide, Run, Template, Worker
from tests.kill.scenarios import SCENARIOS

SEED = 20261123
LONG = dict.fromkeys(("drill", "roll_back_cold", "restore", "update_again"), pytest.mark.matrix)
"""Most of their steps are in others, too."""
INSTANTS = 3
IN_MEMORY = Path("/dev/shm")
"""A kill of a process does not need a disk to be seen; without one the matrix takes a third of the time."""


@dataclass(frozen=True)
class Ground:
    """An operation, its reference run, and the two worlds between which everything must end."""

    template: Template
    reference: Run
    old: dict[str, Any]
    new: dict[str, Any]
    folder: Path

    def home(self, name: str) -> Path:
        return self.template.copy(self.folder / name)

    def world(self, home: Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((home / "world" / f"{self.template.key}.json").read_text())
        return found


@pytest.fixture(scope="module", params=[pytest.param(name, marks=LONG.get(name, ())) for name in SCENARIOS])
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    folder = Path(tempfile.mkdtemp(prefix="egx-kill-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None))
    template = rig.template(folder / "template", SCENARIOS[request.param])
    home = template.copy(folder / "reference")
    reference = Worker(home, template.operation_id).drive(rig.go)
    assert reference.state == "done"
    made = Ground(template=template, reference=reference, old={}, new={}, folder=folder)
    has_world = (template.home / "world" / f"{template.key}.json").exists()
    old = served(made.world(template.home)) if has_world else NOTHING
    yield Ground(template=template, reference=reference, old=old, new=served(made.world(home)), folder=folder)
    shutil.rmtree(folder)


NOTHING: dict[str, Any] = {"ports": [], "serving": None, "version": None, "generation": None}


def served(world: dict[str, Any]) -> dict[str, Any]:
    """What clients get from a world."""
    edge = world["edge"]
    if not edge["present"]:
        return NOTHING
    slot = world["slots"].get(edge["serving"]) or {}
    if edge["serving"] is not None:
        assert slot.get("running"), f"the edge points at {edge['serving']}, which does not run"
    return {
        "ports": edge["ports"],
        "serving": edge["serving"],
        "version": slot.get("version"),
        "generation": slot.get("generation"),
    }


def check_between(ground: Ground, home: Path) -> None:
    """Right after a kill: where somebody served, somebody serves, on ports that are the old ones, the new, or both."""
    path = home / "world" / f"{ground.template.key}.json"
    now = served(json.loads(path.read_text())) if path.exists() else NOTHING
    if ground.old["serving"] and ground.new["serving"]:
        assert now["version"] in {ground.old["version"], ground.new["version"]}
        assert now["generation"] in {ground.old["generation"], ground.new["generation"]}


def check_end(ground: Ground, home: Path, state: str) -> None:
    now = served(ground.world(home))
    assert state in {"done", "rolled_back"}
    assert now == (ground.new if state == "done" else ground.old)


def kill_and_finish(ground: Ground, name: str, decide: Decide, instant: tuple[int, float] | None = None) -> str:
    home = ground.home(name)
    Worker(home, ground.template.operation_id).drive(decide, random_kill=instant)
    check_between(ground, home)
    state = rig.finish(home, ground.template.operation_id)
    check_end(ground, home, state)
    return state


def test_a_kill_at_every_boundary_goes_forward_to_the_new(ground: Ground) -> None:
    for n in range(len(ground.reference.points) - 1):
        state = kill_and_finish(ground, f"boundary-{n}", rig.at(n, "kill"))
        assert state == "done", ground.reference.points[n]


def test_a_kill_at_random_instants_inside_every_step_goes_forward_to_the_new(ground: Ground) -> None:
    for number, instant in enumerate(rig.instants(ground.reference, each=INSTANTS, seed=SEED)):
        assert kill_and_finish(ground, f"instant-{number}", rig.go, instant) == "done", instant


def reversible(run: Run) -> list[int]:
    """The effects of steps whose failure turns the operation back."""
    ends = [n for n, point in enumerate(run.points) if point[0] == "do" and STEPS[point[1]].irreversible]
    return [n for n in rig.effects(run) if n < min(ends, default=len(run.points))]


def test_an_error_before_or_after_any_effect_ends_in_the_old(ground: Ground) -> None:
    for n in reversible(ground.reference):
        home = ground.home(f"error-{n}")
        run = Worker(home, ground.template.operation_id).drive(rig.at(n, "fail"))
        assert run.state == "rolled_back", ground.reference.points[n]
        check_end(ground, home, run.state)


def test_an_error_beyond_the_point_of_no_return_is_said_and_resumed_to_the_new(ground: Ground) -> None:
    for n in sorted(set(rig.effects(ground.reference)) - set(reversible(ground.reference))):
        home = ground.home(f"irreversible-{n}")
        assert Worker(home, ground.template.operation_id).drive(rig.at(n, "fail")).state == "failed"
        rig.ask(worker.resume, home, ground.template.operation_id)
        check_end(ground, home, rig.finish(home, ground.template.operation_id))


def failing_run(ground: Ground, name: str) -> tuple[int, Run]:
    """A run that fails as late as it can, and so undoes as much as it can."""
    last = reversible(ground.reference)[-1]
    run = Worker(ground.home(name), ground.template.operation_id).drive(rig.at(last, "fail"))
    assert run.state == "rolled_back"
    return last, run


def test_a_kill_at_every_boundary_of_an_undo_goes_back_to_the_old(ground: Ground) -> None:
    last, run = failing_run(ground, "undo-reference")
    for n in range(last + 1, len(run.points) - 1):
        home = ground.home(f"undo-{n}")
        decide = rig.fail_then_kill(last, n)
        Worker(home, ground.template.operation_id).drive(decide)
        check_between(ground, home)
        state = rig.finish(home, ground.template.operation_id)
        assert state == "rolled_back", run.points[n]
        check_end(ground, home, state)


def test_a_kill_at_random_instants_inside_every_undo_goes_back_to_the_old(ground: Ground) -> None:
    last, run = failing_run(ground, "undo-instants-reference")
    chosen = [instant for instant in rig.instants(run, each=INSTANTS, seed=SEED) if instant[0] > last]
    for number, instant in enumerate(chosen):
        home = ground.home(f"undo-instant-{number}")
        Worker(home, ground.template.operation_id).drive(rig.at(last, "fail"), random_kill=instant)
        check_between(ground, home)
        state = rig.finish(home, ground.template.operation_id)
        assert state == "rolled_back", instant
        check_end(ground, home, state)


def test_a_superseded_worker_that_wakes_late_changes_nothing(ground: Ground) -> None:
    for n in range(len(ground.reference.points) - 1):
        home = ground.home(f"fenced-{n}")
        late = Worker(home, ground.template.operation_id)
        late.drive(rig.at(n, "hold"))
        rig.take_from_its_worker(home, ground.template.operation_id)
        assert rig.finish(home, ground.template.operation_id) == "done"
        before = ground.world(home), rig.rows(home, ground.template.operation_id)
        late.let_go()
        late.drive(rig.go)
        assert (ground.world(home), rig.rows(home, ground.template.operation_id)) == before, ground.reference.points[n]
