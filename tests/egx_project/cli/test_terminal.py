"""What a terminal gets: bars and colours, and still nothing that a manifest made up."""

from __future__ import annotations

import os
import pty
import re

from tests.egx_project.cli.conftest import Start
from tests.egx_project.cli.fake_egx import Answer, FakeEgx, operation

TERMINAL = {"TERM": "xterm-256color", "COLUMNS": "120"}


def read_all(descriptor: int) -> str:
    heard = b""
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:  # Linux says EIO when the other end is closed
            piece = b""
        if not piece:
            return heard.decode()
        heard += piece


def test_following_on_a_terminal_draws_a_bar_and_stdout_stays_json(start: Start, fake: FakeEgx) -> None:
    fake.play(
        3,
        operation(3, "running", "done", "running"),
        operation(3, "running", "done", "running"),
        operation(3, "done", "done", "done"),
    )
    ours, theirs = pty.openpty()
    started = start("op", "follow", "3", "--json", stderr=theirs, env=os.environ | TERMINAL)
    os.close(theirs)
    drawn = read_all(ours)
    os.close(ours)
    ran = started.end()
    assert ran.code == 0
    assert ran.json["state"] == "done"
    assert "gateway demo: deploy 3" in drawn
    assert "2/2" in drawn
    assert "\x1b[" in drawn


def test_a_table_on_a_terminal_is_coloured_and_shows_markup_as_text(start: Start, fake: FakeEgx) -> None:
    gateway = {
        "name": "demo",
        "namespace": "default",
        "state": "serving",
        "message": "[bold]x[/bold]\x1b]0;t\x07",
    }
    fake.answers["GET /gateways"] = Answer({"items": [gateway]})
    ours, theirs = pty.openpty()
    started = start("get", "gateways", stdout=theirs, env=os.environ | TERMINAL)
    os.close(theirs)
    drawn = read_all(ours)
    os.close(ours)
    assert started.end().code == 0
    assert "\x1b]0" not in drawn
    plain = re.sub(r"\x1b\[[0-9;]*m", "", drawn)
    assert "[bold]x[/bold]\\x1b]0;t\\x07" in plain
    assert "\x1b[32mserving" in drawn
