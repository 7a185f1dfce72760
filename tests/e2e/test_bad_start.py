"""What keeps EGX from starting is said in a sentence with the way out, exits 2, and changes nothing."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from egx_project.settings.location import LONGEST_DATA_DIR
from tests.e2e.running import Egx, Said

BAD_INPUT = 2
MEBIBYTE = 1024 * 1024


def assert_said(said: Said, problem: str, way_out: str) -> None:
    """One sentence, and below it the way out: no traceback, no word of a library, nothing on stdout."""
    assert said.code == BAD_INPUT, said
    assert said.out == ""
    sentence, hint = said.err.splitlines()
    assert sentence.startswith("egx: ")
    assert problem in sentence
    assert way_out in hint
    assert not re.search(r"Traceback|EGX_DEBUG|Error:|\[Errno", said.err)


@contextmanager
def taken(port: int) -> Iterator[str]:
    """This process listens on the port; how it is known to others."""
    with closing(socket.create_server(("127.0.0.1", port))):
        yield f"(pid {os.getpid()})"


@contextmanager
def small_disk(at: Path, *, mebibytes: int) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(at)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(at)], check=True)


@pytest.mark.parametrize("detached", [(), ("-d",)])
def test_a_taken_dashboard_port_is_told_with_who_has_it(egx: Egx, detached: tuple[str, ...]) -> None:
    with taken(egx.port) as who:
        said = egx.run("up", *detached)
    assert_said(said, f"the dashboard: port {egx.port} on 127.0.0.1 is in use by", "egx up --port ANOTHER")
    assert who in said.err
    assert not (egx.home / "egx.sqlite3").exists()


@pytest.mark.parametrize("detached", [(), ("-d",)])
def test_a_taken_port_of_the_demo_gateway_is_told_with_who_has_it(egx: Egx, detached: tuple[str, ...]) -> None:
    with taken(egx.demo_port) as who:
        said = egx.run("up", *detached)
    assert_said(said, f"the gateway demo: port {egx.demo_port} on 127.0.0.1 is in use by", "egx up --no-demo")
    assert who in said.err
    assert egx.run("status").code == 3
    assert not (egx.home / "run").exists()
    with closing(sqlite3.connect(egx.home / "egx.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM gateways_gateway").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM deployments_operation").fetchone() == (0,)


def test_a_data_directory_that_is_a_file_is_told(egx: Egx) -> None:
    file = egx.home / "file"
    file.write_text("mine")
    assert_said(egx.run("up", EGX_DATA_DIR=str(file)), f"{file} is a file, not a folder", "set EGX_DATA_DIR")
    assert file.read_text() == "mine"


def test_a_data_directory_that_cannot_be_made_is_told(egx: Egx) -> None:
    (egx.home / "file").write_text("mine")
    below = str(egx.home / "file" / "below")
    assert_said(egx.run("up", "-d", EGX_DATA_DIR=below), f"{below} cannot be written", "set EGX_DATA_DIR")


def test_what_only_root_may_have_is_told(egx: Egx) -> None:
    egx.give_up_privileges()
    assert_said(egx.run("up", "--port", "1009"), "port 1009 on 127.0.0.1 is privileged", "egx up --port ANOTHER")
    egx.home.chmod(0o500)
    assert_said(egx.run("up", "-d"), f"{egx.home} cannot be written: Permission denied", "set EGX_DATA_DIR")
    assert not list(egx.home.iterdir())


def test_a_data_directory_whose_path_is_too_long_is_told(egx: Egx) -> None:
    long = egx.home / ("x" * LONGEST_DATA_DIR)
    assert_said(egx.run("up", "-d", EGX_DATA_DIR=str(long)), "path is too long", f"at most {LONGEST_DATA_DIR} bytes")
    assert not long.exists()


def test_a_data_directory_of_a_newer_egx_is_told(egx: Egx) -> None:
    egx.python("from django.core.management import call_command; call_command('migrate', verbosity=0)")
    database = egx.home / "egx.sqlite3"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('gateways', '0999_more', '2030-01-01')"
        )
    before = dump(database)
    for detached in ((), ("-d",)):
        assert_said(egx.run("up", *detached), "newer EGX (it knows gateways.0999_more)", "start that EGX")
    assert dump(database) == before


def dump(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())


@pytest.mark.parametrize("free", [0, 4])
def test_a_full_disk_is_told(egx: Egx, free: int) -> None:
    with small_disk(egx.home, mebibytes=4 + free):
        (egx.home / "filler").write_bytes(bytes(4 * MEBIBYTE))
        said = egx.run("up", "-d")
        left = {path.name for path in egx.home.iterdir()}
    assert_said(said, f"the disk of {egx.home} has {free} MB free; EGX needs", "free some space")
    assert left == {"filler"}


def test_a_damaged_database_is_told_and_left_as_it_is(egx: Egx) -> None:
    database = egx.home / "egx.sqlite3"
    damaged = os.urandom(3 * 4096)
    database.write_bytes(damaged)
    for detached in ((), ("-d",)):
        said = egx.run("up", *detached)
        assert_said(said, "the database cannot be used: file is not a database", f"put back a copy of {database}")
    assert database.read_bytes() == damaged


def test_a_damaged_note_of_where_egx_runs_stops_nobody_unless_one_runs(egx: Egx) -> None:
    note = egx.home / "egx.json"
    note.write_text('{"pid": ')
    egx.do("up", "-d", "--no-demo")
    pid = egx.pid()
    assert egx.do("status", "--json").json["pid"] == pid
    note.write_text('{"pid": ')
    for command in ("up", "down"):
        assert_said(egx.run(command), f"{note}, its note of where, is damaged", "`egx status` says its pid")
    assert egx.do("status", "--json").json["pid"] == pid
