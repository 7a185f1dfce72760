"""Shared libraries of this machine that a program needs wherever it runs."""

from __future__ import annotations

import platform
import re
from pathlib import Path

from tests.testbed.layers import Entry
from tests.testbed.programs import run

_LINE = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
FOUND = "/usr/local/lib"
SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")
MISSING = "=> not found"


def libc_version() -> str:
    return " ".join(platform.libc_ver())


def of(*programs: Path) -> list[Entry]:
    """The libraries, and the loader, each where a program looks for it; with FOUND in LD_LIBRARY_PATH for those that
    are no part of the system here. Raises TestbedError.
    """
    paths = {path for program in programs for path in _LINE.findall(run(["ldd", str(program)]))}
    return [Entry(_place(Path(path)), content=Path(path).resolve()) for path in sorted(paths)]


def complete(program: Path) -> bool:
    return MISSING not in run(["ldd", str(program)])


def _place(path: Path) -> str:
    return str(path) if any(path.is_relative_to(folder) for folder in SYSTEM) else f"{FOUND}/{path.name}"
