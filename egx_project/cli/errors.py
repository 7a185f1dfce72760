"""What can go wrong between the command line and EGX, and how it is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

from egx_project.lib.errors import EgxError, UnreachableError

INTERRUPTED = 130
"""What shells report for a command that Ctrl-C ended."""

_REFUSED = frozenset({401, 403, 409, 412, 423})
_AWAY = frozenset({502, 503, 504})


class AnswerError(EgxError):
    """EGX answered with an error; what it said is passed on."""

    def __init__(
        self, message: str, *, http_status: int, title: str, hint: str = "", problems: Sequence[Any] = ()
    ) -> None:
        super().__init__(message, hint=hint, problems=problems)
        self.http_status = http_status
        self.answer_title = title

    @property
    def is_away(self) -> bool:
        """EGX is starting or stopping: the same request may succeed in a moment."""
        return self.http_status in _AWAY


class NotRunningError(UnreachableError):
    """Nothing listens at the socket."""


class BrokenOffError(UnreachableError):
    """EGX took the request and then went silent; whether it acted is not known."""


class FollowInterruptedError(EgxError):
    """Ctrl-C ended the watching, not the operation."""

    exit_code: ClassVar[int] = INTERRUPTED
    title: ClassVar[str] = "Interrupted"


@dataclass(frozen=True, kw_only=True)
class ErrorReport:
    """An error as the user gets it."""

    title: str
    detail: str
    hint: str = ""
    status: int = 500
    problems: tuple[Mapping[str, Any], ...] = ()
    exit_code: int = 1

    def document(self) -> dict[str, Any]:
        return {
            "error": {
                "title": self.title,
                "detail": self.detail,
                "hint": self.hint,
                "status": self.status,
                "problems": list(self.problems),
            }
        }


def report_of(error: EgxError) -> ErrorReport:
    problems = tuple(_problem(problem) for problem in error.problems)
    if isinstance(error, AnswerError):
        title, status, exit_code = error.answer_title, error.http_status, _exit_code(error.http_status)
    else:
        title, status, exit_code = error.title, error.status, error.exit_code
    return ErrorReport(
        title=title,
        detail=error.message,
        hint=error.hint,
        status=status,
        problems=problems,
        exit_code=exit_code,
    )


def _exit_code(http_status: int) -> int:
    if http_status in _REFUSED:
        return 4
    if http_status in _AWAY:
        return 3
    return 2 if http_status < HTTPStatus.INTERNAL_SERVER_ERROR else 1


def _problem(problem: object) -> Mapping[str, Any]:
    return problem if isinstance(problem, Mapping) else {"message": str(problem)}
