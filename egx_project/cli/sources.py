"""Manifests as the user has them: files, folders, stdin."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

from egx_project.lib.errors import BadInputError

LARGEST_TOTAL = 4 * 1024 * 1024
SUFFIXES = frozenset({".yaml", ".yml", ".json"})


class Source(TypedDict):
    name: str
    text: str


def read_sources(given: tuple[str, ...], *, recursive: bool) -> list[Source]:
    """Each source once, in the order given. Raises BadInputError."""
    files = dict.fromkeys(name for path in given for name in _files(path, recursive=recursive))
    sources, left = [], LARGEST_TOTAL
    for name in files:
        content = _content(name, left)
        if len(content) > left:
            raise BadInputError(
                f"the manifests are larger than {LARGEST_TOTAL // 1024 // 1024} MiB in total",
                hint=f"the limit is passed in {name}; apply them in parts",
            )
        left -= len(content)
        shown = "stdin" if name == "-" else name
        sources.append(Source(name=shown, text=_text(content, shown)))
    return sources


def _files(given: str, *, recursive: bool) -> Iterator[str]:
    if given.startswith(("http://", "https://")):
        raise BadInputError(
            f"{given} is an address, not a file",
            hint=f"look at it first: `curl -fsSL {given} | egx apply -f -`",
        )
    path = Path(given)
    if given == "-" or not path.is_dir():
        yield given
        return
    found = sorted(_manifests(path, recursive=recursive))
    if not found:
        below = " or below it" if recursive else "; -R looks below it, too"
        raise BadInputError(f"no *.yaml, *.yml or *.json in the folder {given}{below}")
    yield from found


def _manifests(folder: Path, *, recursive: bool) -> Iterator[str]:
    """Hidden names are editors' and tools' own."""

    def refuse(error: OSError) -> None:
        raise _unreadable(str(error.filename or folder), error)

    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        for name in files:
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith("."):
                yield str(Path(parent) / name)


def _content(name: str, limit: int) -> bytes:
    """At most one byte more than `limit`, however large the file."""
    if name == "-":
        return sys.stdin.buffer.read(limit + 1)
    try:
        with Path(name).open("rb") as file:
            return file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from error


def _text(content: bytes, name: str) -> str:
    try:
        # Windows editors put a byte order mark before the text.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadInputError(f"{name}:{line}: is not UTF-8 text") from error


def _unreadable(name: str, error: Exception) -> BadInputError:
    if isinstance(error, FileNotFoundError):
        return BadInputError(f"there is no file {name}")
    said = error.strerror if isinstance(error, OSError) else str(error)
    return BadInputError(f"cannot read {name}: {said}")
