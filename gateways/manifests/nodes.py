"""A YAML document as a tree that remembers its lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from gateways.manifests.scalars import Scalar

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Issue:
    """What is wrong with a node as YAML, whatever it is part of."""

    message: str
    hint: str = ""
    line: int = 0
    key: str | None = None
    """The entry of the node that is meant; None for the node itself."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A child and the line where it stands, which for an aliased one is not the line of the node."""

    line: int
    node: Node


@dataclass(slots=True)
class Node:
    """A scalar, a sequence or a mapping; shared by its aliases, so it does not change once it is built."""

    line: int
    value: Scalar | list[Entry] | dict[str, Entry]
    text: str = ""
    """A scalar as it is written, without its quotes."""
    plain: bool = False
    """Whether it is a scalar without quotes."""
    issues: list[Issue] = field(default_factory=list)
    # What the node costs once aliases are expanded.
    nodes: int = 1
    characters: int = 0
    depth: int = 0

    def json(self) -> JsonValue:
        """The node as plain data. The depth was limited when it was built."""
        if isinstance(self.value, dict):
            return {key: entry.node.json() for key, entry in self.value.items()}
        if isinstance(self.value, list):
            return [entry.node.json() for entry in self.value]
        return self.value

    def child(self, key: str | int) -> Entry | None:
        if isinstance(self.value, dict) and isinstance(key, str):
            return self.value.get(key)
        if isinstance(self.value, list) and isinstance(key, int) and 0 <= key < len(self.value):
            return self.value[key]
        return None

    def find(self, path: Path) -> Node | None:
        node: Node | None = self
        for key in path:
            entry = node.child(key) if node else None
            node = entry.node if entry else None
        return node

    def line_of(self, path: Path) -> int:
        """The line of the nearest part of the path that exists."""
        node, line = self, self.line
        for key in path:
            entry = node.child(key)
            if entry is None:
                break
            node, line = entry.node, entry.line
        return line

    def all_issues(self) -> Iterator[tuple[Path, Issue]]:
        """Every issue in the tree, once, with the path of what is meant."""
        seen: set[int] = set()
        waiting: list[tuple[Path, Node]] = [((), self)]
        while waiting:
            path, node = waiting.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            for issue in node.issues:
                yield (path if issue.key is None else (*path, issue.key)), issue
            waiting += [((*path, key), entry.node) for key, entry in reversed(node.children())]

    def children(self) -> list[tuple[str | int, Entry]]:
        if isinstance(self.value, dict):
            return list(self.value.items())
        return list(enumerate(self.value)) if isinstance(self.value, list) else []


_SHOWN_LENGTH = 60


def brief(text: str) -> str:
    """Someone else's text for a message: short, and without characters that a terminal obeys."""
    short = text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…"
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in short)


def shown(text: str) -> str:
    return f"'{brief(text)}'"
