"""The members of a tar file from a stranger: regular files, one after the other, and nothing else.

Python's tarfile is not used for reading: it knows links, devices, sparse files and headers as large as they say they
are, and refusing each of these well needs more than reading the one kind of member that a backup has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from updates.archives.errors import ArchiveError, shown
from updates.archives.inflate import Inflated

BLOCK = 512
LONGEST_HEADER = 4096
"""Bytes of the records for a name or size that does not fit the plain header."""
LARGEST_END = 1 << 16
"""Bytes of zeros after the last member: writers fill up to what was a tape's record."""

OVERHEAD = 4 * BLOCK + LONGEST_HEADER
"""Bytes that a member can have besides its content."""

_CHUNK = 1 << 20
_REGULAR = b"0"
_RECORDS = b"x"
_KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"5": "a folder",
    b"6": "a named pipe",
    b"S": "a sparse file",
}
_OCTAL = re.compile(rb" *([0-7]+)[ \0]*")
_LENGTH = re.compile(rb"[1-9][0-9]{0,3}")
_SIZE = re.compile(rb"[0-9]{1,18}")
_AS_PACKED = "only what EGX packed can be unpacked; pack the backup again"


@dataclass(frozen=True)
class Member:
    name: str
    size: int


class Members:
    def __init__(self, stream: Inflated) -> None:
        self._stream = stream

    def next(self) -> Member | None:
        """The next member, whose `content` must be read before the one after it; None at the end of the archive.

        Raises ArchiveError.
        """
        block = self._stream.exactly(BLOCK)
        if not any(block):
            self._end()
            return None
        kind, member = _header(block)
        records: dict[str, bytes] = {}
        if kind == _RECORDS:
            records = self._records(member.size)
            kind, member = _header(self._stream.exactly(BLOCK))
        name = _text(records["path"]) if "path" in records else member.name
        if kind != _REGULAR:
            what = _KINDS.get(kind, f"of the unknown kind {shown(kind.decode('latin-1'))}")
            raise ArchiveError(f"member {shown(name)} is {what}, and may only be a regular file", hint=_AS_PACKED)
        return Member(name, int(records["size"]) if "size" in records else member.size)

    def content(self, member: Member) -> Iterator[bytes]:
        """What the member holds, in pieces that fit in memory."""
        left = member.size
        while left:
            piece = self._stream.exactly(min(left, _CHUNK))
            left -= len(piece)
            yield piece
        self._stream.exactly(-member.size % BLOCK)

    def _records(self, size: int) -> dict[str, bytes]:
        if size > LONGEST_HEADER:
            raise ArchiveError(f"a header of the archive has {size} bytes, {LONGEST_HEADER} are the most")
        body = self._stream.exactly(size)
        self._stream.exactly(-size % BLOCK)
        return _read_records(body)

    def _end(self) -> None:
        rest = self._stream.read(LARGEST_END)
        if any(rest):
            raise ArchiveError("something follows after the end of the archive", hint=_AS_PACKED)
        self._stream.end()


def _header(block: bytes) -> tuple[bytes, Member]:
    if block[257:265] != b"ustar\x0000":
        raise ArchiveError("the archive is not a tar file as EGX writes it", hint=_AS_PACKED)
    # The checksum is of the header with blanks in the checksum's own place.
    if _number(block[148:156]) != sum(block[:148]) + sum(b" " * 8) + sum(block[156:]):
        raise ArchiveError("a header of the archive is damaged: its checksum is wrong", hint=_AS_PACKED)
    name, before = (field.partition(b"\0")[0] for field in (block[:100], block[345:500]))
    whole = before + b"/" + name if before else name
    return block[156:157], Member(_text(whole), _number(block[124:136]))


def _number(field: bytes) -> int:
    match = _OCTAL.fullmatch(field)
    if match is None:
        raise ArchiveError("a header of the archive is damaged: a number in it is none", hint=_AS_PACKED)
    return int(match[1], 8)


def _text(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise ArchiveError(
            f"the name of member {shown(name.decode('latin-1'))} is not UTF-8", hint=_AS_PACKED
        ) from None


def _read_records(body: bytes) -> dict[str, bytes]:
    """Of `LENGTH KEY=VALUE` lines those for name and size; any other would change what the member is."""
    records: dict[str, bytes] = {}
    while body:
        length = body.partition(b" ")[0]
        end = int(length) if _LENGTH.fullmatch(length) else 0
        record, body = body[:end], body[end:]
        key, equals, value = record[len(length) + 1 : -1].partition(b"=")
        if len(record) != end or not end or not equals or not record.endswith(b"\n"):
            raise ArchiveError("a header of the archive is damaged: its records cannot be read", hint=_AS_PACKED)
        name = key.decode("latin-1")
        if name not in {"path", "size"} or name in records or (name == "size" and not _SIZE.fullmatch(value)):
            raise ArchiveError(f"a header of the archive has {shown(name)}, which no backup needs", hint=_AS_PACKED)
        records[name] = value
    return records
