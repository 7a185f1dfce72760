"""A plan: data that prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class PlannedStep:
    name: str
    cause: str
    """Why the step is in the plan, for people: it answers "because …"."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """JSON; together with the name, the step's identity within its operation."""

    @property
    def identity(self) -> tuple[str, str]:
        return self.name, repr(sorted(self.arguments.items()))


@dataclass(frozen=True)
class Plan:
    title: str
    steps: tuple[PlannedStep, ...] = ()
    notes: tuple[str, ...] = ()
    """What the reader should know before saying yes."""
    choices: Mapping[str, Any] = field(default_factory=dict)
    """What a later attempt of the same operation must not decide anew."""

    def text(self) -> str:
        """The plan as people read it."""
        if not self.steps:
            return "\n".join([f"{self.title}: nothing to do", *(f"  note: {note}" for note in self.notes)])
        width = max(len(step.name) for step in self.steps)
        lines = [f"{number:>3}. {step.name:<{width}}  {step.cause}" for number, step in enumerate(self.steps, start=1)]
        return "\n".join([self.title, *lines, *(f"  note: {note}" for note in self.notes)])
