"""How much a manifest may ask of its reader: whoever wrote it may wish us ill."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """Bounds on one call of `read`, over all its sources together."""

    characters: int = 4 * 1024 * 1024
    """Bytes of UTF-8 as given (4 MiB), and characters once aliases are expanded."""
    objects: int = 2_000
    """Documents, with the items of lists counted one by one."""
    depth: int = 64
    """Sequences and mappings inside each other, once aliases are expanded."""
    nodes: int = 200_000
    """Values of every kind, keys included, once aliases are expanded."""
    problems: int = 100
    """Reading stops after so many; nobody reads more."""


DEFAULT_LIMITS = Limits()


class TooMuchError(Exception):
    """A limit is exceeded; nothing more is read."""

    def __init__(self, message: str, *, line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass
class Budget:
    """What is used up so far."""

    limits: Limits
    _nodes: int = field(default=0, init=False)
    _characters: int = field(default=0, init=False)
    _objects: int = field(default=0, init=False)

    def spend(self, *, nodes: int, characters: int, depth: int, line: int) -> None:
        """Account for values before they are built. Raises TooMuchError."""
        self._nodes += nodes
        self._characters += characters
        limits = self.limits
        if depth > limits.depth:
            raise TooMuchError(f"nested more than {limits.depth} deep", line=line)
        if self._nodes > limits.nodes:
            raise TooMuchError(f"more than {limits.nodes:,} values, with aliases expanded", line=line)
        if self._characters > limits.characters:
            raise TooMuchError(f"more than {limits.characters:,} characters, with aliases expanded", line=line)

    def spend_object(self, *, line: int) -> None:
        self._objects += 1
        if self._objects > self.limits.objects:
            raise TooMuchError(f"more than {self.limits.objects:,} objects", line=line)
