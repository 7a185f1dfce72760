"""How the things that this runtime cannot do are said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateways.spec.base import ObjectRef, Problem, Severity

Path = tuple[str | int, ...]

OTHER_RUNTIME = "needs the docker or kubernetes runtime"


@dataclass(frozen=True)
class Refuser:
    """Problems of one object."""

    ref: ObjectRef

    def cannot(self, what: str, path: Path, *, hint: str = OTHER_RUNTIME) -> Problem:
        return self.problem(f"the process runtime cannot do {what}", path, hint=hint)

    def problem(self, message: str, path: Path, *, hint: str = "", severity: Severity = "error") -> Problem:
        return Problem(message=message, hint=hint, ref=self.ref, path=path, severity=severity)

    def warning(self, message: str, path: Path, *, hint: str = "") -> Problem:
        return self.problem(message, path, hint=hint, severity="warning")

    def each_set(self, fields: Iterable[tuple[str, object]], path: Path) -> Iterable[Problem]:
        """One for each of these fields, (name in YAML, value), that has a value."""
        for name, value in fields:
            if value not in (None, (), False):
                yield self.cannot(name, (*path, name))
