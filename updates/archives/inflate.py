"""A gzip stream from a stranger: no more comes out than was asked for, and no more than is allowed in all."""

from __future__ import annotations

import zlib
from typing import BinaryIO

from updates.archives.errors import ArchiveError

_CHUNK = 1 << 16
_AGAIN = "pack the backup again, or take it again from where it was made"


class Inflated:
    """What one gzip member holds. Python's own reader would go on for as many members as there are."""

    def __init__(self, source: BinaryIO, *, allowed: int) -> None:
        self._source = source
        self._inflating = zlib.decompressobj(wbits=31)  # gzip, with its checksum and length looked at
        self._waiting = b""
        self._in = 0
        self._out = 0
        self._allowed = allowed

    def allow(self, more: int) -> None:
        self._allowed += more

    def exactly(self, size: int) -> bytes:
        """So many bytes. Raises ArchiveError where there are fewer, or where they are more than is allowed."""
        content = self.read(size)
        if len(content) < size:
            raise ArchiveError("the archive ends too early: some of its members are missing", hint=_AGAIN)
        return content

    def read(self, size: int) -> bytes:
        """So many bytes, or fewer at the end. Raises ArchiveError."""
        parts = []
        while size > 0 and not self._inflating.eof:
            part = self._some(size)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _some(self, size: int) -> bytes:
        if not self._waiting:
            self._waiting = self._take()
        try:
            part = self._inflating.decompress(self._waiting, size)
        except zlib.error as error:
            raise ArchiveError(f"the file is not gzip, or damaged: {error}", hint=_AGAIN) from None
        if not part and not self._waiting and not self._inflating.eof:
            raise ArchiveError("the file is cut off: its gzip stream does not end", hint=_AGAIN)
        self._waiting = self._inflating.unconsumed_tail
        self._out += len(part)
        if self._out > self._allowed:
            raise ArchiveError(f"more comes out of the file than the {self._allowed} bytes that it may hold")
        return part

    def _take(self) -> bytes:
        taken = self._source.read(_CHUNK)
        self._in += len(taken)
        # Deflate can go on for ever without anything coming out.
        if self._in > 2 * self._allowed + (1 << 20):
            raise ArchiveError("far more goes into the file than comes out of it, so it is no backup")
        return taken

    def end(self) -> None:
        """Raises ArchiveError where anything follows."""
        if self.read(1) or self._inflating.unused_data or self._source.read(1):
            raise ArchiveError("something follows after the end of the archive", hint=_AGAIN)
