"""The errors that reach a user: what failed, why, and what to do now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

NOT_ALLOWED = "your role does not allow this"


class EgxError(Exception):
    """A failure whose message is written for the user.

    `status` is the HTTP status of the API's answer, `exit_code` what `egx` exits with (design, section 10):
    1 failed, 2 bad input, 3 not reachable, 4 refused.
    """

    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    title: ClassVar[str] = "Failed"

    def __init__(self, message: str, *, hint: str = "", problems: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class BadInputError(EgxError):
    """What the user gave cannot be used; nothing was changed."""

    status = 400
    exit_code = 2
    title = "Bad input"


class NotFoundError(EgxError):
    """There is no such thing."""

    status = 404
    exit_code = 2
    title = "Not found"


class ConflictError(EgxError):
    """Refused because of what else is there or going on."""

    status = 409
    exit_code = 4
    title = "Conflict"


class PreconditionError(EgxError):
    """Refused because the thing is not what the caller had seen."""

    status = 412
    exit_code = 4
    title = "Changed meanwhile"


class ForbiddenError(EgxError):
    """Refused for lack of permission."""

    status = 403
    exit_code = 4
    title = "Forbidden"


class UnauthorizedError(EgxError):
    """Refused because nobody said who asks."""

    status = 401
    exit_code = 4
    title = "Unauthorized"

    def __init__(self) -> None:
        super().__init__(
            "nobody said who asks",
            hint="log in, or send `Authorization: Bearer TOKEN` (`egx token create NAME` makes one)",
        )


class UnreachableError(EgxError):
    """EGX itself, or something it needs, cannot be reached."""

    status = 503
    exit_code = 3
    title = "Not reachable"
