"""The processes of this host's gateways, as `egx up` and `egx down` see them: without Django, by their files."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from deployments.drivers.envoy.admin import Admin
from deployments.drivers.process.layout import EDGE
from deployments.drivers.process.units import Unit, all_units

ANSWERING = frozenset({"LIVE", "DRAINING"})


def any_runs(home: Path) -> bool:
    return any(unit.running() for unit in all_units(home / "run"))


def end_all(home: Path) -> list[str]:
    """End them, edges first, and name them; they stay wanted: the next `egx up` starts them again."""
    units = sorted(all_units(home / "run"), key=lambda unit: unit.name != EDGE)
    running = [unit for unit in units if unit.running()]
    for unit in running:
        unit.end()
    return [_name(unit) for unit in running]


def silent(home: Path) -> list[str]:
    """Those that should run and do not answer: after a reboot they come back one by one."""
    return [_name(unit) for unit in _wanted(home) if not _answers(unit)]


def _wanted(home: Path) -> Iterator[Unit]:
    for unit in all_units(home / "run"):
        found = unit.read()
        if found and found.wanted:
            yield unit


def _answers(unit: Unit) -> bool:
    found = unit.read()
    port = found.facts.get("port") if found else None
    if port is None:
        return Admin.over_socket(unit.folder / "admin.sock").state() in ANSWERING
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


def _name(unit: Unit) -> str:
    return f"{unit.folder.parent.name}/{unit.name}"
