"""What a request may ask of the backend in its query."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

LONGEST_PAUSE = 60.0
LARGEST_BODY = 64 * 1024 * 1024
MOST_CHUNKS = 100_000
MOST_PARAMETERS = 100
OK = 200
STATUSES = range(OK, 600)

_INTEGER = re.compile(r"[0-9]{1,15}")
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?|\.[0-9]{1,9}")


class ControlError(ValueError):
    """The query asks for something that the backend does not do; the message is for the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    delay: float = 0.0
    status: int = OK
    size: int | None = None
    chunks: int | None = None
    every: float = 0.1
    number: int | None = None
    hello: bool = False


def parse(query: dict[str, str], *, largest_number: int) -> Controls:
    """Raises ControlError."""
    controls = Controls(
        delay=_seconds(query, "delay", 0.0),
        status=_status(query),
        size=_integer(query, "bytes", LARGEST_BODY),
        chunks=_integer(query, "stream", MOST_CHUNKS),
        every=_seconds(query, "every", 0.1),
        number=_integer(query, "ledger", largest_number),
        hello=query.get("hello", "0") not in {"", "0"},
    )
    if controls.size is not None and controls.chunks is not None:
        raise ControlError("bytes and stream cannot be used together")
    return controls


def query_of(raw: bytes) -> dict[str, str]:
    """The query's parameters, the last of each name. Raises ControlError."""
    try:
        pairs = parse_qsl(
            raw.decode(errors="replace"),
            keep_blank_values=True,
            errors="replace",
            max_num_fields=MOST_PARAMETERS,
        )
    except ValueError as error:
        raise ControlError(f"the query has more than {MOST_PARAMETERS} parameters") from error
    return dict(pairs)


def integer(text: str, name: str, largest: int) -> int:
    """Raises ControlError."""
    if not _INTEGER.fullmatch(text) or int(text) > largest:
        raise ControlError(f"{name} must be an integer from 0 to {largest}")
    return int(text)


def _integer(query: dict[str, str], name: str, largest: int) -> int | None:
    return integer(query[name], name, largest) if name in query else None


def _seconds(query: dict[str, str], name: str, default: float) -> float:
    text = query.get(name)
    if text is None:
        return default
    # The pattern, not float(), decides: float() takes "nan", "inf" and "1e9".
    if not _DECIMAL.fullmatch(text) or float(text) > LONGEST_PAUSE:
        raise ControlError(f"{name} must be a number of seconds from 0 to {LONGEST_PAUSE:g}")
    return float(text)


def _status(query: dict[str, str]) -> int:
    status = _integer(query, "status", STATUSES.stop)
    if status is None:
        return OK
    if status not in STATUSES:
        # A 1xx is no answer by HTTP: the client would wait for the real one for ever.
        raise ControlError(f"status must be from {STATUSES.start} to {STATUSES.stop - 1}")
    return status


def with_number(controls: Controls, number: int) -> Controls:
    return replace(controls, number=number)
