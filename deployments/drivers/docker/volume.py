"""Writing into the installation's volume: whole files by rename, never into a running engine's own file system.

`put_archive` into a container that runs an engine is no way: the engine saw the file missing in between, and answered
404. An EGX that has the volume mounted, or runs as root beside the Engine, writes into it directly; any other one by a
small container that has it.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Protocol

from deployments.drivers.base import DriverError
from deployments.drivers.docker import containers, layout
from deployments.drivers.docker.api.errors import DaemonError
from deployments.drivers.docker.containers import Place
from deployments.drivers.docker.daemon import Daemon
from egx_project.lib import atomic

FOLDER_MODE = 0o755
STAGING = ".staging-"


class Volume(Protocol):
    """Paths are relative to the volume. What is written belongs to the engine's user."""

    def make(self, *folders: str) -> None: ...

    def write(self, folder: str, files: Mapping[str, bytes], *, mode: int = 0o644) -> None:
        """Each file whole or as it was; the folder is made if need be."""
        ...

    def unpack(self, archive: Iterable[bytes], path: str, *, mode: int) -> None:
        """Put the one file of a tar archive at the path."""
        ...

    def has(self, path: str) -> bool: ...

    def remove(self, path: str) -> None:
        """A file or a folder with all in it; nothing where it is not there."""
        ...


class MountedVolume:
    """The volume as a folder of this host, or of EGX's own container."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def make(self, *folders: str) -> None:
        for folder in folders:
            with _explained(self.root / folder):
                self._make(self.root / folder)

    def write(self, folder: str, files: Mapping[str, bytes], *, mode: int = 0o644) -> None:
        self.make(folder)
        for name, content in files.items():
            path = self.root / folder / name
            with _explained(path):
                temporary = path.with_name(f".{name}.{secrets.token_hex(4)}.new")
                try:
                    atomic.write_bytes(temporary, content, mode=mode)
                    os.chown(temporary, layout.USER, layout.USER)
                    temporary.replace(path)
                finally:
                    temporary.unlink(missing_ok=True)
                atomic.sync_folder(path.parent)

    def unpack(self, archive: Iterable[bytes], path: str, *, mode: int) -> None:
        at = self.root / path
        self.make(str(Path(path).parent))
        with _explained(at), tempfile.TemporaryFile() as spooled:
            for chunk in archive:
                spooled.write(chunk)
            spooled.seek(0)
            temporary = at.with_name(f".{at.name}.{secrets.token_hex(4)}.new")
            try:
                with tarfile.open(fileobj=spooled) as opened, temporary.open("wb") as to:
                    shutil.copyfileobj(_only_file(opened), to)
                    to.flush()
                    os.fsync(to.fileno())
                os.chown(temporary, layout.USER, layout.USER)
                temporary.chmod(mode)
                temporary.replace(at)
            finally:
                temporary.unlink(missing_ok=True)

    def has(self, path: str) -> bool:
        return (self.root / path).exists()

    def remove(self, path: str) -> None:
        at = self.root / path
        with _explained(at):
            if at.is_dir():
                shutil.rmtree(at)
            else:
                at.unlink(missing_ok=True)

    def _make(self, folder: Path) -> None:
        if folder == self.root or folder.is_dir():
            return
        self._make(folder.parent)
        folder.mkdir(exist_ok=True, mode=FOLDER_MODE)
        os.chown(folder, layout.USER, layout.USER)


class HelpedVolume:
    """The volume as a small container has it."""

    def __init__(self, daemon: Daemon, place: Place, image: str) -> None:
        self.daemon = daemon
        self.place = place
        self.image = image
        """An id: it is there."""

    def make(self, *folders: str) -> None:
        self._run('for f in "$@"; do mkdir -p "$f"; chown 65532:65532 "${f%%/*}" "$f"; done', *folders)

    def write(self, folder: str, files: Mapping[str, bytes], *, mode: int = 0o644) -> None:
        staging = f"{STAGING}{secrets.token_hex(8)}"
        self._put(_tar({f"{staging}/{name}": content for name, content in files.items()}, mode))
        self._run(_PLACE, staging, folder, *files)

    def unpack(self, archive: Iterable[bytes], path: str, *, mode: int) -> None:
        staging = f"{STAGING}{secrets.token_hex(8)}"
        self._run('mkdir "$1"', staging)
        self._put(archive, folder=staging)
        name = Path(path).name
        self._run(f'chown 65532:65532 "$1"/* && chmod {mode:o} "$1"/*', staging)
        self._run(_PLACE, staging, str(Path(path).parent), name)

    def has(self, path: str) -> bool:
        return self._run('[ -e "$1" ] && echo yes || true', path).strip() == "yes"

    def remove(self, path: str) -> None:
        self._run(f'rm -rf "$1"; find . -maxdepth 1 -name "{STAGING}*" -mmin +60 -exec rm -rf {{}} +', path)

    def _put(self, archive: bytes | Iterable[bytes], *, folder: str = "") -> None:
        self._there()
        self.daemon.put(self.place.names.files, layout.inside(folder).rstrip("/"), archive)

    def _run(self, script: str, *arguments: str) -> str:
        self._there()
        argv = ["/bin/sh", "-ec", f"cd {layout.MOUNT}; {script}", "egx", *arguments]
        return self.daemon.execute(self.place.names.files, argv)

    def _there(self) -> None:
        name = self.place.names.files
        found = self.daemon.inspect(name)
        if found and found["State"]["Running"]:
            return
        if found is None:
            with contextlib.suppress(DaemonError):  # another worker may have made it meanwhile; then it starts
                self.daemon.create(name, containers.files(self.image, place=self.place))
        self.daemon.start(name)


_PLACE = (
    'staging="$1"; folder="$2"; shift 2; mkdir -p "$folder"; chown 65532:65532 "${folder%%/*}" "$folder"; '
    'for f in "$@"; do sync "$staging/$f"; mv -f "$staging/$f" "$folder/$f"; done; sync "$folder"; rm -rf "$staging"'
)


def _tar(files: Mapping[str, bytes], mode: int) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.uid, member.gid = len(content), mode, layout.USER, layout.USER
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def _only_file(archive: tarfile.TarFile) -> IO[bytes]:
    for member in archive:
        found = archive.extractfile(member) if member.isfile() else None
        if found is not None:
            return found
    raise DriverError("the archive that Docker gave has no file in it")


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DriverError(
            f"{path} cannot be written: {error.strerror or error}",
            hint="free some space where Docker keeps its volumes" if error.errno == errno.ENOSPC else "",
        ) from error
    except tarfile.TarError as error:
        raise DriverError(f"the archive for {path} cannot be read: {error}") from error
