"""Layers of images: what is in one says its digest, not when or by whom it was packed."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, cast

NONROOT = 65532


@dataclass(frozen=True, slots=True)
class Entry:
    """A file with its content, a symbolic link, or else a folder."""

    path: str
    mode: int = 0o755
    owner: int = 0
    content: Path | bytes | None = None
    link: str = ""


class Layer(NamedTuple):
    file: Path
    digest: str
    unpacked: str
    """The digest of the same, not compressed."""


def pack(entries: Iterable[Entry], file: Path) -> Layer:
    with file.open("wb") as opened:
        packed = _Digesting(opened)
        with gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=cast("IO[bytes]", packed), mtime=0) as thin:
            unpacked = _Digesting(cast("IO[bytes]", thin))
            with tarfile.open(mode="w|", fileobj=cast("IO[bytes]", unpacked), format=tarfile.PAX_FORMAT) as archive:
                for entry in _with_folders(entries):
                    _add(archive, entry)
    return Layer(file, packed.digest, unpacked.digest)


class _Digesting:
    def __init__(self, below: IO[bytes]) -> None:
        self._below = below
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return self._below.write(data)

    def flush(self) -> None:
        self._below.flush()

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def _with_folders(entries: Iterable[Entry]) -> list[Entry]:
    """In order, each below a folder."""
    named = {entry.path.strip("/"): entry for entry in entries}
    for path in list(named):
        for parent in PurePosixPath(path).parents:
            if str(parent) != ".":
                named.setdefault(str(parent), Entry(str(parent)))
    return [named[path] for path in sorted(named)]


def _add(archive: tarfile.TarFile, entry: Entry) -> None:
    header = tarfile.TarInfo(entry.path.strip("/"))
    header.mode, header.uid, header.gid = entry.mode, entry.owner, entry.owner
    if entry.link:
        header.type, header.linkname, header.mode = tarfile.SYMTYPE, entry.link, 0o777
        archive.addfile(header)
    elif entry.content is None:
        header.type = tarfile.DIRTYPE
        archive.addfile(header)
    elif isinstance(entry.content, bytes):
        header.size = len(entry.content)
        archive.addfile(header, io.BytesIO(entry.content))
    else:
        header.size = entry.content.stat().st_size
        with entry.content.open("rb") as source:
            archive.addfile(header, source)
