"""What a backup says of itself: `manifest.json`, beside its files."""

from __future__ import annotations

import json
import re
import secrets
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from updates.archives.errors import ArchiveError, shown

FORMAT = 1
"""What this EGX writes and reads."""

NAME = "manifest.json"

LARGEST = 1_000_000
"""Bytes of a manifest: it is read whole into memory, also a stranger's."""

ID = r"bk-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}"

_ID = re.compile(ID)
_LONGEST_PATH = 200
_LONGEST_PART = 255  # bytes; what file systems take
_YEARS = range(2000, 2100)  # what gzip's and tar's stamps can say
_LARGEST_FILE = 2**63 - 1


def new_id(now: datetime) -> str:
    """An id for a backup of this moment. One that is planned is kept in the plan, so that a repeated step finds it."""
    return f"bk-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def check_id(archive_id: str) -> str:
    """The id; raises ValueError where it is none. It names a folder, so nothing else may pass."""
    if not _ID.fullmatch(archive_id):
        raise ValueError(f"{shown(archive_id)} is not the id of a backup")
    return archive_id


def check_path(path: str) -> str:
    """The path; raises ValueError where it is not one of a file strictly inside a backup, on any platform."""
    parts = path.split("/")
    if not path or len(path) > _LONGEST_PATH:
        why = f"must have 1 to {_LONGEST_PATH} characters"
    elif not path.isprintable():
        why = "must not have control characters"
    elif "\\" in path:
        why = "must not have a backslash"
    elif path.startswith("/"):
        why = "must be relative"
    elif any(part in {"", ".", ".."} for part in parts):
        why = "must not have an empty part, `.` or `..`"
    elif any(len(part.encode()) > _LONGEST_PART for part in parts):
        why = f"must not have a part of more than {_LONGEST_PART} bytes"
    elif parts[0].casefold() == NAME:  # on some file systems that is the same file
        why = f"must not be {NAME}, which describes the backup"
    else:
        return path
    raise ValueError(f"the path {shown(path)} {why}")


def _check_text(text: str) -> str:
    """Texts are printed to terminals, and a stranger may have written them."""
    if not all(char.isprintable() or char in "\n\t" for char in text):
        raise ValueError("must not have control characters")
    return text


def _in_utc(moment: datetime) -> datetime:
    if moment.year not in _YEARS:
        raise ValueError(f"must be between the years {_YEARS[0]} and {_YEARS[-1]}")
    return moment.astimezone(UTC)


Text = Annotated[str, Field(max_length=10_000), AfterValidator(_check_text)]
Word = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_check_text)]
Kind = Literal["gateway", "instance"]
Fact = Text | int | bool | None


class _Frozen(BaseModel):
    # strict: a manifest means one thing only, whoever reads it
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class FileEntry(_Frozen):
    path: Annotated[str, AfterValidator(check_path)]
    size: Annotated[int, Field(ge=0, le=_LARGEST_FILE)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class BackupManifest(_Frozen):
    format: Annotated[int, Field(ge=FORMAT, le=FORMAT)] = FORMAT
    id: Annotated[str, AfterValidator(check_id)]
    kind: Kind
    created_at: Annotated[AwareDatetime, AfterValidator(_in_utc)]
    subject: Word
    """What it is a backup of: `gateway/demo`."""
    reason: Text
    versions: dict[Word, Text]
    """Of what made it, and of what it is from: egx, engine, database."""
    facts: dict[Word, Fact]
    files: tuple[FileEntry, ...]
    """Sorted by path."""

    @field_validator("files")
    @classmethod
    def _sorted(cls, files: tuple[FileEntry, ...]) -> tuple[FileEntry, ...]:
        return tuple(sorted(files, key=lambda entry: entry.path))

    @model_validator(mode="after")
    def _every_file_has_its_place(self) -> Self:
        paths = {entry.path for entry in self.files}
        if len(paths) < len(self.files):
            raise ValueError("a file is listed twice")
        for path in paths:
            parts = path.split("/")
            if any("/".join(parts[:end]) in paths for end in range(1, len(parts))):
                raise ValueError(f"{shown(path)} lies below another file")
        return self

    @property
    def total(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files)

    def entry(self, path: str) -> FileEntry | None:
        return next((entry for entry in self.files if entry.path == path), None)

    def to_bytes(self) -> bytes:
        """`manifest.json`. Raises ArchiveError for more than anybody would read again."""
        content = canonical(self.model_dump(mode="json"))
        if len(content) > LARGEST:
            raise ArchiveError(
                f"the manifest of {self.id} would have {len(content)} bytes, {LARGEST} are the most",
                hint="put fewer files into one backup, for example packed into one",
            )
        return content


class _AnyFormat(BaseModel):
    model_config = ConfigDict(strict=True)

    format: int


def canonical(value: object) -> bytes:
    """`value` as JSON, the same value always as the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def described(**fields: Any) -> BackupManifest:
    """A manifest of these fields. Raises ArchiveError."""
    try:
        return BackupManifest(**fields)
    except ValidationError as error:
        raise ArchiveError(f"a backup cannot be described so: {NAME} {_first(error)}") from None


def parse(content: bytes) -> BackupManifest:
    """The manifest in a `manifest.json` that may come from anybody. Raises ArchiveError."""
    if len(content) > LARGEST:
        raise _unusable(f"has {len(content)} bytes, {LARGEST} are the most")
    try:
        stated = _AnyFormat.model_validate_json(content).format
        if stated > FORMAT:
            raise ArchiveError(
                f"the backup is of format {stated}, and this EGX reads format {FORMAT}",
                hint="use the EGX that made it, or a newer one",
            )
        manifest = BackupManifest.model_validate_json(content)
    except ValidationError as error:
        raise _unusable(_first(error)) from None
    # Otherwise two readers may see two things in it: a key that is there twice, a number as text.
    if manifest.to_bytes() != content:
        raise _unusable("is not in the form in which EGX writes it, so it was edited or damaged")
    return manifest


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"is wrong at {shown(where)}: {problem['msg']}" if where else f"cannot be read: {problem['msg']}"


def _unusable(why: str) -> ArchiveError:
    return ArchiveError(f"{NAME} {why}", hint="take the backup again from where it was made")
