"""The Python that runs this, and packages of its environment, as files for an image."""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import platform
import sys
import sysconfig
import warnings
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path, PurePosixPath

from tests.testbed import libraries
from tests.testbed.layers import Entry

PROGRAM = "/usr/local/bin/python3"
LIBRARY = f"/usr/local/lib/python{sys.version_info.major}.{sys.version_info.minor}"
"""Where a program in /usr/local/bin looks for it."""
WITHOUT_REFERENCES = 2
"""Of marshal's formats the last whose bytes do not depend on what else is in memory."""
NOT_SERVED = {
    *("test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "venv", "lib2to3", "pydoc_data", "distutils"),
    *("site-packages", "dist-packages", "__pycache__"),
}
"""Folders of the standard library that no server asks for."""


def version() -> str:
    return platform.python_version()


def files() -> list[Entry]:
    """The interpreter, its standard library and what both are linked to. Raises TestbedError."""
    program = Path(sys.executable).resolve()
    standard = Path(sysconfig.get_path("stdlib"))
    found = [path for path in _below(standard) if not _left_out(path.relative_to(standard))]
    extensions = [path for path in found if path.suffix == ".so"]
    absent = {path for path in extensions if not libraries.complete(path)}
    linked = libraries.of(program, *(path for path in extensions if path not in absent))
    return [
        Entry(PROGRAM, content=program),
        *modules((path for path in found if path not in absent), standard, LIBRARY),
        *linked,
    ]


def packages(names: Iterable[str], place: str) -> list[Entry]:
    """Installed distributions, below `place`."""
    entries: list[Entry] = []
    for name in names:
        for file in metadata.distribution(name).files or []:
            source = Path(str(file.locate()))
            if ".." in file.parts or "__pycache__" in file.parts or not source.is_file():
                continue
            entries += _module(source, source.parents[len(file.parts) - 1], place)
    return entries


def modules(sources: Iterable[Path], root: Path, place: str) -> list[Entry]:
    """The files, below `place` as they are below `root`."""
    return [entry for path in sources for entry in _module(path, root, place)]


def digest(paths: Iterable[Path]) -> str:
    found = hashlib.sha256()
    for path in sorted(paths):
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _below(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _left_out(path: Path) -> bool:
    heavy = path.parts[0].startswith("config-") or path.suffix in {".a", ".pyc", ".exe", ".bat"}
    for_its_own_tests = path.suffix == ".so" and path.name.startswith(("_test", "_ctypes_test", "xx", "_xx", "_tk"))
    return heavy or for_its_own_tests or bool(NOT_SERVED & set(path.parts[:-1]))


def _module(path: Path, root: Path, place: str) -> Iterator[Entry]:
    """The file, and where it is Python its bytecode, which nobody can write there later."""
    target = PurePosixPath(place) / path.relative_to(root).as_posix()
    yield Entry(str(target), 0o644, content=path)
    if path.suffix != ".py":
        return
    source = path.read_bytes()
    try:
        with warnings.catch_warnings(action="ignore"):
            code = compile(source, str(target), "exec", dont_inherit=True)
    except (SyntaxError, ValueError):  # templates, and examples of what is no Python
        return
    # By hash, unchecked: files of images have no times to compare.
    header = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + importlib.util.source_hash(source)
    cached = target.parent / "__pycache__" / f"{target.stem}.{sys.implementation.cache_tag}.pyc"
    yield Entry(str(cached), 0o644, content=header + marshal.dumps(code, WITHOUT_REFERENCES))
