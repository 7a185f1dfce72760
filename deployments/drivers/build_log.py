"""The log of a build: text that only grows, of which the newest part is kept. Read by offset while it is written.

It lies in segments, files named by the offset at which they begin; the oldest go when there are too many.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from egx_project.lib.redact import redacted

SEGMENT_BYTES = 256 * 1024
MOST_SEGMENTS = 16
LONGEST_LINE_BYTES = 8 * 1024
LAST_LINES = 40
NAME = re.compile(r"[0-9]{12}")


@dataclass(frozen=True)
class Piece:
    offset: int
    """Where the text begins: later than what was asked for, where that is not kept any more."""
    next: int
    """Where to go on."""
    text: str


class BuildLog:
    """Written by one process at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._rest = b""
        self.lines: deque[str] = deque(maxlen=LAST_LINES)
        """The last ones that were written here."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.size = end(folder)

    def write(self, content: bytes) -> None:
        """Take what came, in whatever pieces; whole lines are written."""
        *lines, self._rest = (self._rest + content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")).split(b"\n")
        while len(self._rest) > LONGEST_LINE_BYTES:
            lines.append(self._rest[:LONGEST_LINE_BYTES])
            self._rest = self._rest[LONGEST_LINE_BYTES:]
        if lines:
            self._append([redacted(line.decode(errors="replace")) for line in lines])

    def say(self, line: str) -> None:
        """A line of EGX's own."""
        self.flush()
        self._append([redacted(line)])

    def flush(self) -> None:
        """Write a last line that has no end."""
        if self._rest:
            self.write(b"\n")

    @property
    def last(self) -> str:
        return next((line for line in reversed(self.lines) if line.strip()), "")

    def _append(self, lines: list[str]) -> None:
        self.lines.extend(lines)
        content = "".join(f"{line}\n" for line in lines).encode()
        while content:
            segments = _segments(self.folder)
            begin = segments[-1] if segments else 0
            if not segments or self.size - begin >= SEGMENT_BYTES:
                begin = self.size
            room = SEGMENT_BYTES - (self.size - begin)
            part, content = content[:room], content[room:]
            with (self.folder / f"{begin:012}").open("ab") as file:
                file.write(part)
            self.size += len(part)
        for old in _segments(self.folder)[:-MOST_SEGMENTS]:
            (self.folder / f"{old:012}").unlink(missing_ok=True)


def read(folder: Path, offset: int, *, limit: int = SEGMENT_BYTES) -> Piece:
    """What there is after the offset, at most `limit` bytes of it; whole lines, unless one is longer."""
    segments = _segments(folder)
    if not segments:
        return Piece(offset=0, next=0, text="")
    last = end(folder)
    begin = max(offset, segments[0])
    if begin >= last:
        return Piece(offset=last, next=last, text="")
    content = b""
    for number, segment in enumerate(segments):
        after = segments[number + 1] if number + 1 < len(segments) else last
        if after <= begin or len(content) >= limit:
            continue
        try:
            with (folder / f"{segment:012}").open("rb") as file:
                file.seek(max(0, begin - segment))
                content += file.read(limit - len(content))
        except FileNotFoundError:  # it went while we looked: what comes after it begins later
            begin, content = after, b""
    whole = content[: content.rfind(b"\n") + 1] or content
    return Piece(offset=begin, next=begin + len(whole), text=whole.decode(errors="replace"))


def end(folder: Path) -> int:
    """How long the log is, all that went with it."""
    segments = _segments(folder)
    if not segments:
        return 0
    try:
        return segments[-1] + (folder / f"{segments[-1]:012}").stat().st_size
    except FileNotFoundError:
        return segments[-1]


def _segments(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    return sorted(int(file.name) for file in folder.iterdir() if NAME.fullmatch(file.name))
