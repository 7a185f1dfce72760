"""The logs of gateways as files of bounded size: written by the log agent, read in pages.

A gateway has two series of files, one of what its engines say and one of requests, so that many requests take nothing
from the other. A line is `STAMP SOURCE TEXT`. Files are only ever added to; the oldest goes whole. What a writer that
was killed left of a line is cut off by the next.
"""

from __future__ import annotations

import errno
import heapq
import os
import re
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO

from egx_project.lib import atomic
from egx_project.lib.errors import BadInputError

SEGMENTS = 8
"""Files of a series: one of them is what goes at once."""
LEAST_SEGMENT = 16 * 1024
LONGEST_LINE = 8 * 1024
BLOCK = 64 * 1024
MOST_BYTES_OF_A_PAGE = 1024 * 1024
POSITION = re.compile(r"(?P<kind>access|engine)\.(?P<number>[0-9]{1,12})\.(?P<offset>[0-9]{1,12})")


class Kind(StrEnum):
    ENGINE = "engine"
    """What Envoy Gateway and Envoy say."""
    ACCESS = "access"
    """A request each."""


SHARES = {Kind.ENGINE: 0.25, Kind.ACCESS: 0.75}
"""Of a gateway's bytes."""


@dataclass(frozen=True)
class LogLine:
    at: str
    """RFC 3339, with nanoseconds, UTC."""
    kind: Kind
    source: str
    """The slot with its revision, or the edge with its port."""
    text: str


@dataclass(frozen=True)
class LogPage:
    lines: Sequence[LogLine] = ()
    """Oldest first."""
    after: str = ""
    """What to ask for to go on."""
    more: bool = False
    """Whether there is more by now."""
    kept: bool = False
    """They come from the log agent's files; else from what the runtime itself still has."""


@dataclass(frozen=True, order=True)
class _Position:
    number: int = 0
    offset: int = 0


class Series:
    """Files that are one after another, by number."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder = folder
        self.segment = max(LEAST_SEGMENT, most_bytes // SEGMENTS)
        self._file: IO[bytes] | None = None
        self._number = 0
        self._size = 0

    def numbers(self) -> list[int]:
        return sorted(int(file.stem) for file in self.folder.glob("*.log") if file.stem.isdigit())

    def path(self, number: int) -> Path:
        return self.folder / f"{number:08}.log"

    # --- writing ----------------------------------------------------------------------------------------------------

    def append(self, line: bytes) -> None:
        """Raises OSError, with nothing written, or a part that the next writer cuts off."""
        file = self._file or self._open(max(self.numbers(), default=1))
        if self._size and self._size + len(line) > self.segment:
            file = self._open(self._number + 1)
            for number in self.numbers()[:-SEGMENTS]:
                self.path(number).unlink(missing_ok=True)
        written = file.write(line)
        self._size += written
        if written != len(line):
            self.close()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path(self._number)))

    def _open(self, number: int) -> IO[bytes]:
        self.close()
        path = self.path(number)
        self._file = file = path.open("ab", buffering=0)
        whole = _whole(path)
        file.truncate(whole)
        self._number, self._size = number, whole
        return file

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    # --- reading ----------------------------------------------------------------------------------------------------

    def end(self) -> _Position:
        number = max(self.numbers(), default=0)
        return _Position(number, _whole(self.path(number))) if number else _Position()

    def lines(self, start: _Position) -> Iterator[tuple[_Position, bytes]]:
        """Whole lines from there on, each with the position after it. What is gone is left out."""
        for number in self.numbers():
            if number < start.number:
                continue
            offset = start.offset if number == start.number else 0
            try:
                file = self.path(number).open("rb")
            except FileNotFoundError:
                continue
            with file:
                file.seek(offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    offset += len(line)
                    yield _Position(number, offset), line

    def since(self, stamp: str) -> _Position:
        """Where lines of that time begin, or somewhat before."""
        wanted = stamp.encode()
        for number in reversed(self.numbers()):
            try:
                with self.path(number).open("rb") as file:
                    first = file.readline(LONGEST_LINE)
            except FileNotFoundError:
                break
            if first <= wanted:
                return _Position(number)
        return _Position()

    def tail(self, count: int) -> list[bytes]:
        """The last lines, oldest first."""
        found: list[bytes] = []
        for number in reversed(self.numbers()):
            found = _last_lines(self.path(number), count - len(found)) + found
            if len(found) >= count:
                break
        return found


class GatewayLog:
    """The two series of one gateway. One process writes; threads of it may share this."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder = folder
        self.series = {kind: Series(folder / kind, int(most_bytes * share)) for kind, share in SHARES.items()}
        self._lock = threading.Lock()

    def prepare(self) -> None:
        for kind in Kind:
            (self.folder / kind).mkdir(parents=True, exist_ok=True, mode=0o700)

    def write(self, line: LogLine) -> None:
        text = line.text.replace("\n", " ")
        packed = f"{line.at} {line.source} {text}".encode(errors="replace")[: LONGEST_LINE - 1] + b"\n"
        with self._lock:
            self.series[line.kind].append(packed)

    def close(self) -> None:
        with self._lock:
            for series in self.series.values():
                series.close()

    # --- how far the agent is ---------------------------------------------------------------------------------------

    def cursors(self) -> dict[str, str]:
        """By source: everything up to this stamp is written."""
        return {str(source): str(stamp) for source, stamp in (atomic.read_json(self._cursors) or {}).items()}

    def keep_cursors(self, stamps: Mapping[str, str]) -> None:
        with self._lock:
            atomic.write_json(self._cursors, {**self.cursors(), **stamps})

    @property
    def _cursors(self) -> Path:
        return self.folder / "cursors.json"

    def last_stamps(self) -> dict[tuple[Kind, str], str]:
        """Of each kind and source, as far as the newest files tell."""
        found: dict[tuple[Kind, str], str] = {}
        for kind, series in self.series.items():
            for number in series.numbers()[-2:]:
                for _position, packed in series.lines(_Position(number)):
                    line = _unpacked(kind, packed)
                    found[kind, line.source] = max(line.at, found.get((kind, line.source), ""))
        return found

    # --- reading ----------------------------------------------------------------------------------------------------

    @property
    def exists(self) -> bool:
        return self.folder.is_dir()

    def page(self, *, kinds: Collection[Kind], limit: int, since: str = "", after: str = "") -> LogPage:
        """From `after`, or from `since`, or, without both, the last ones. Raises BadInputError."""
        wanted = [kind for kind in Kind if kind in kinds]
        if not since and not after:
            return self._tail(wanted, limit)
        starts = positions(after) if after else {kind: self.series[kind].since(since) for kind in wanted}
        ends = {kind: starts.get(kind, _Position()) for kind in wanted}
        taken: list[LogLine] = []
        size, more = 0, False
        for line, position, length in _merged(self, ends):
            if line.at < since and not after:
                ends[line.kind] = position
                continue
            if len(taken) >= limit or size + length > MOST_BYTES_OF_A_PAGE:
                more = True
                break
            taken.append(line)
            size += length
            ends[line.kind] = position
        return LogPage(lines=taken, after=_text(ends), more=more, kept=True)

    def _tail(self, kinds: Sequence[Kind], limit: int) -> LogPage:
        ends = {kind: self.series[kind].end() for kind in kinds}
        found = [_unpacked(kind, packed) for kind in kinds for packed in self.series[kind].tail(limit)]
        found.sort(key=lambda line: line.at)
        return LogPage(lines=found[-limit:], after=_text(ends), kept=True)


@dataclass
class LogFiles:
    """Of all gateways, below `root`."""

    root: Path
    most_bytes: int
    """Of each gateway."""
    _open: dict[str, GatewayLog] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, key: str) -> GatewayLog:
        """One for all who write."""
        with self._lock:
            if key not in self._open:
                self._open[key] = GatewayLog(self.root / key, self.most_bytes)
            return self._open[key]

    def close(self) -> None:
        with self._lock:
            for found in self._open.values():
                found.close()
            self._open.clear()


def positions(text: str) -> dict[Kind, _Position]:
    found = {}
    for part in text.split("~"):
        matched = POSITION.fullmatch(part)
        if matched is None:
            raise BadInputError(f"{text[:60]!r} is no place in a log", hint="take `after` from the page before")
        found[Kind(matched["kind"])] = _Position(int(matched["number"]), int(matched["offset"]))
    return found


def _text(ends: Mapping[Kind, _Position]) -> str:
    return "~".join(f"{kind}.{found.number}.{found.offset}" for kind, found in ends.items())


def _merged(log: GatewayLog, starts: Mapping[Kind, _Position]) -> Iterator[tuple[LogLine, _Position, int]]:
    """By time, as far as each series is in order itself."""

    def of(kind: Kind, start: _Position) -> Iterator[tuple[LogLine, _Position, int]]:
        for position, packed in log.series[kind].lines(start):
            yield _unpacked(kind, packed), position, len(packed)

    return heapq.merge(*(of(kind, start) for kind, start in starts.items()), key=lambda found: found[0].at)


def _unpacked(kind: Kind, packed: bytes) -> LogLine:
    at, _, rest = packed.decode(errors="replace").rstrip("\n").partition(" ")
    source, _, text = rest.partition(" ")
    return LogLine(at=at, kind=kind, source=source, text=text)


def _whole(path: Path) -> int:
    """Bytes of whole lines."""
    try:
        with path.open("rb") as file:
            size = end = file.seek(0, os.SEEK_END)
            while end > 0:
                start = max(0, end - BLOCK)
                file.seek(start)
                found = file.read(end - start).rfind(b"\n")
                if found >= 0:
                    return start + found + 1
                end = start
            return 0 if size else size
    except FileNotFoundError:
        return 0


def _last_lines(path: Path, count: int) -> list[bytes]:
    whole = _whole(path)
    found = b""
    try:
        with path.open("rb") as file:
            start = whole
            while start > 0 and found.count(b"\n") <= count:
                begin = max(0, start - BLOCK)
                file.seek(begin)
                found = file.read(start - begin) + found
                start = begin
    except FileNotFoundError:
        return []
    lines = found.splitlines(keepends=True)
    return lines[-count:] if count else []
