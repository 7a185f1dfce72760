"""Following an operation: through a restart of EGX, to its end, or until Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from egx_project.cli import follow
from tests.egx_project.cli.conftest import Egx, Start
from tests.egx_project.cli.fake_egx import Answer, FakeEgx, operation, problem


def test_each_change_of_a_step_is_one_line(egx: Egx, fake: FakeEgx) -> None:
    failed = operation(3, "undoing", "done", "failed")
    failed["steps"][1]["error"] = "not healthy"
    ended = operation(3, "rolled_back", "undone", "undone", error="start_slot: not healthy", hint="see the log")
    fake.play(
        3,
        operation(3, "queued"),
        operation(3, "running", "running", "pending"),
        operation(3, "running", "running", "pending"),
        failed,
        ended,
    )
    ran = egx("op", "follow", "3")
    assert ran.code == 1
    assert ran.stderr.splitlines()[:8] == [
        "gateway demo: deploy 3: preflight running",
        "gateway demo: deploy 3: undoing",
        "gateway demo: deploy 3: preflight done",
        "gateway demo: deploy 3: start_slot failed: not healthy",
        "gateway demo: deploy 3: preflight undone",
        "gateway demo: deploy 3: start_slot undone",
        "gateway demo: deploy 3: rolled_back: start_slot: not healthy (see the log)",
        "  start_slot: not healthy",
    ]


def test_another_attempt_is_said(egx: Egx, fake: FakeEgx) -> None:
    fake.play(3, operation(3, "running", "done", attempt=2), operation(3, "done", "done", attempt=2))
    assert "gateway demo: deploy 3: attempt 2" in egx("op", "follow", "3").stderr


def test_an_operation_that_has_ended_needs_no_waiting(egx: Egx, fake: FakeEgx) -> None:
    fake.play(3, operation(3, "done", "done"))
    assert egx("op", "follow", "3").code == 0
    assert fake.requests("GET", "/events") == []


def test_a_quiet_operation_is_waited_for_without_many_requests(egx: Egx, fake: FakeEgx) -> None:
    fake.play(3, operation(3, "running"))
    timer = threading.Timer(1, lambda: fake.play(3, operation(3, "running"), operation(3, "done")))
    timer.start()
    assert egx("op", "follow", "3").code == 0
    timer.join()
    assert len(fake.seen) < 10
    waits = fake.requests("GET", "/events")
    assert waits[-1].query == {"since": "2", "wait": "20", "operation": "3"} or len(waits) > 2


def test_a_restart_of_egx_is_survived(egx: Egx, fake: FakeEgx) -> None:
    fake.play(3, operation(3, "running", "done", "running"))

    def restart() -> None:
        time.sleep(0.5)
        fake.stop()
        time.sleep(0.7)
        fake.play(3, operation(3, "done", "done", "done"))
        fake.start()

    thread = threading.Thread(target=restart)
    thread.start()
    ran = egx("op", "follow", "3", "--json")
    thread.join()
    assert ran.code == 0
    assert ran.json["state"] == "done"
    lines = ran.stderr.splitlines()
    assert sum("waiting up to 30 s for it to come back" in line for line in lines) == 1
    assert lines.count("EGX answers again") == 1
    assert lines[-1] == "gateway demo: deploy 3: done"


def test_an_egx_that_is_starting_is_waited_for(egx: Egx, fake: FakeEgx) -> None:
    fake.play(3, operation(3, "running"), operation(3, "done"))
    starting = [problem(503, "Starting", "EGX is starting")] * 2
    fake.answers["GET /events"] = lambda _: starting.pop() if starting else Answer({"items": [], "last": 1})
    ran = egx("op", "follow", "3")
    assert ran.code == 0
    assert "EGX is starting; waiting" in ran.stderr


def test_an_egx_that_stays_away_exits_3_and_says_how_to_go_on(
    egx: Egx, fake: FakeEgx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "AWAY_SECONDS", 0.5)
    fake.play(3, operation(3, "running"))
    timer = threading.Timer(0.3, fake.stop)
    timer.start()
    ran = egx("op", "follow", "3")
    timer.join()
    assert ran.code == 3
    assert "`egx op follow 3`" in ran.stderr


def test_without_events_the_operation_is_looked_at_again_and_again(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["GET /events"] = problem(500, "Broken", "no events today")
    fake.play(3, operation(3, "running"), operation(3, "running"), operation(3, "done"))
    assert egx("op", "follow", "3").code == 0


def test_ctrl_c_ends_the_following_and_not_the_operation(start: Start, fake: FakeEgx) -> None:
    for arguments in (("op", "follow", "3"), ("op", "follow", "3", "--json")):
        fake.play(3, operation(3, "running", "running"))
        started = start(*arguments)
        assert started.process.stderr is not None
        assert started.process.stderr.readline() == b"gateway demo: deploy 3: preflight running\n"
        started.process.send_signal(signal.SIGINT)
        ran = started.end()
        assert ran.code == 130
        if "--json" in arguments:
            assert ran.json["error"]["detail"] == "operation 3 goes on"
        else:
            assert ran.stderr == "egx: operation 3 goes on\n  `egx op follow 3` follows it\n"
    assert [seen.method for seen in fake.seen if seen.method != "GET"] == []
