"""Programs of Debian's that tests start: installed, or unpacked by the testbed. Needed where Docker is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.requirements import require
from tests.testbed import debian
from tests.testbed.places import TestbedError
from tests.testbed.registry import program


def registry() -> str:
    """A container registry."""
    return _needed(program)


def busybox() -> Path:
    """A shell that needs no library."""
    return Path(_needed(lambda: str(debian.unpacked("busybox-static") / "bin/busybox")))


def _needed(find: Callable[[], str]) -> str:
    try:
        return find()
    except TestbedError as error:
        require("docker", present=False, why=str(error))
        raise
