"""YAML text into nodes, in one pass over the parser's events.

PyYAML's own composer recurses, and expands aliases without counting; here every value is paid for before
it is built.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from gateways.manifests.limits import Budget
from gateways.manifests.nodes import Entry, Issue, Node, brief, shown
from gateways.manifests.scalars import MERGE_KEY, resolve

_NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
# Parsing many of these takes time quadratic in their number, and nobody writes them.
_TAG_DIRECTIVE = re.compile(r"^%TAG", re.MULTILINE)

_TAG_PREFIX = "tag:yaml.org,2002:"
_SCALAR_TAGS: dict[str, tuple[type, ...]] = {
    "str": (str,), "int": (int,), "float": (float, int), "bool": (bool,), "null": (type(None),),
}  # fmt: skip


class SyntaxProblemError(Exception):
    """The text is not YAML from `line` on."""

    def __init__(self, message: str, *, line: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.hint = hint


def compose(text: str, budget: Budget) -> Iterator[Node]:
    """The documents of a text, without those that are empty. Raises SyntaxProblemError and TooMuchError."""
    _check_characters(text)
    composer = _Composer(budget)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            document = composer.take(event)
            if document and not (document.plain and document.value is None):
                yield document
    except yaml.YAMLError as error:
        raise _in_words(error, text) from None


def _check_characters(text: str) -> None:
    if found := _NOT_PRINTABLE.search(text):
        message = f"the character U+{ord(found[0]):04X} may not stand in YAML"
        hint = "is this a text file in UTF-8?"
        raise SyntaxProblemError(message, line=_line_at(text, found.start()), hint=hint)
    if found := _TAG_DIRECTIVE.search(text):
        raise SyntaxProblemError("%TAG directives are not supported", line=_line_at(text, found.start()))


def _line_at(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _in_words(error: yaml.YAMLError, text: str) -> SyntaxProblemError:
    if not isinstance(error, yaml.MarkedYAMLError):
        return SyntaxProblemError(f"not valid YAML: {error}", line=1)
    mark = error.problem_mark or error.context_mark
    number = mark.line if mark else 0
    lines = text.splitlines()
    hint = ""
    if number < len(lines) and lines[number].lstrip(" ").startswith("\t"):
        hint = "indent with spaces; YAML does not allow tabs"
    message = f"not valid YAML: {error.problem or error.context or 'cannot be parsed'}"
    if error.context and error.context_mark and error.problem:
        message += f" ({error.context} that begins on line {error.context_mark.line + 1})"
    return SyntaxProblemError(message, line=min(number, max(len(lines) - 1, 0)) + 1, hint=hint)


@dataclass
class _Open:
    """A sequence or mapping whose end has not been seen."""

    node: Node
    anchor: str | None
    key: Entry | None = None
    merges: list[Entry] = field(default_factory=list)


class _Composer:
    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        """None while the anchored node is open."""

    def take(self, event: yaml.Event) -> Node | None:
        """Take the next event; the document's root when the event completes it."""
        mark: Any = event.start_mark
        line = mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._anchors = {}
        elif isinstance(event, yaml.AliasEvent):
            return self._place(Entry(line, self._repeat(event, line)))
        elif isinstance(event, yaml.ScalarEvent):
            node = _scalar(event, line)
            self._spend(node, line)
            if event.anchor:
                self._anchors[event.anchor] = node
            return self._place(Entry(line, node))
        elif isinstance(event, yaml.CollectionStartEvent):
            self._begin(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            return self._end()
        return None

    def _spend(self, node: Node, line: int) -> None:
        depth = len(self._open) + node.depth
        self._budget.spend(nodes=node.nodes, characters=node.characters, depth=depth, line=line)

    def _repeat(self, event: yaml.AliasEvent, line: int) -> Node:
        name = event.anchor or ""
        node = self._anchors.get(name)
        if node is None:
            reason = "repeats what it is inside of" if name in self._anchors else "names no anchor of this document"
            node = Node(line, None, issues=[Issue(f"the alias *{brief(name)} {reason}", line=line)])
        self._spend(node, line)
        return node

    def _begin(self, event: yaml.CollectionStartEvent, line: int) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        node = Node(line, {} if mapping else [], depth=1)
        if event.tag not in {None, "!", _TAG_PREFIX + ("map" if mapping else "seq")}:
            node.issues.append(_tag_issue(event.tag, line))
        self._spend(node, line)
        if event.anchor:
            self._anchors[event.anchor] = None
        self._open.append(_Open(node, event.anchor))

    def _end(self) -> Node | None:
        done = self._open.pop()
        for merge in done.merges:
            _merge(done.node, merge)
        if done.anchor:
            self._anchors[done.anchor] = done.node
        return self._place(Entry(done.node.line, done.node))

    def _place(self, entry: Entry) -> Node | None:
        """Put a complete node where it belongs; it is returned if it is a document's root."""
        if not self._open:
            return entry.node
        parent = self._open[-1]
        _add_cost(parent.node, entry.node)
        if isinstance(parent.node.value, list):
            parent.node.value.append(entry)
        elif parent.key is None:
            parent.key = entry
        else:
            _put(parent, parent.key, entry.node)
            parent.key = None
        return None


def _put(parent: _Open, key: Entry, value: Node) -> None:
    """Add an entry to an open mapping, or note what it is to be merged with."""
    if key.node.plain and key.node.text == MERGE_KEY:
        parent.merges.append(Entry(key.line, value))
        return
    name, issue = _key(key)
    if issue:
        parent.node.issues.append(issue)
    first = parent.node.child(name)
    if first:
        message = f"the key {shown(name)} is given twice, first on line {first.line}"
        parent.node.issues.append(Issue(message, line=key.line, key=name))
    elif isinstance(parent.node.value, dict):
        parent.node.value[name] = Entry(key.line, value)


def _add_cost(parent: Node, child: Node) -> None:
    parent.nodes += child.nodes
    parent.characters += child.characters
    parent.depth = max(parent.depth, child.depth + 1)


def _key(key: Entry) -> tuple[str, Issue | None]:
    """The key's name, and what is wrong with it."""
    value = key.node.value
    if isinstance(value, list | dict):
        return "", Issue("a key must be text, not a list or a mapping", line=key.line, key="")
    text = key.node.text
    if key.node.issues:
        return text, key.node.issues[0]
    if isinstance(value, str):
        return value, None
    kind = "a boolean" if isinstance(value, bool) else "null" if value is None else "a number"
    message = f"the key {shown(text)} means {kind} in YAML"
    return text, Issue(message, hint=f'quote it: "{brief(text)}"', line=key.line, key=text)


def _merge(node: Node, merge: Entry) -> None:
    """Take over what a `<<` names; what the mapping says itself, or an earlier one says, stands."""
    given = merge.node.value
    sources = [entry.node for entry in given] if isinstance(given, list) else [merge.node]
    entries = node.value
    for source in sources:
        if isinstance(entries, dict) and isinstance(source.value, dict):
            for key, entry in source.value.items():
                entries.setdefault(key, entry)
            node.issues += source.issues
        else:
            message = f"{MERGE_KEY} takes a mapping or a list of mappings"
            node.issues += source.issues or [Issue(message, line=merge.line, key=MERGE_KEY)]


def _scalar(event: yaml.ScalarEvent, line: int) -> Node:
    text: str = event.value
    plain = bool(event.implicit[0]) and event.tag != "!"
    node = Node(line, resolve(text) if plain else text, text=text, plain=plain, characters=len(text))
    if event.tag not in {None, "!"}:
        _apply_tag(node, event.tag)
    if control := _CONTROL.search(text):
        node.issues.append(Issue(f"contains the control character U+{ord(control[0]):04X}", line=line))
    elif isinstance(node.value, float) and not math.isfinite(node.value):
        hint = f'if it is text, quote it: "{text}"'
        node.issues.append(Issue(f"{text} is not a number that JSON has", hint=hint, line=line))
    return node


def _apply_tag(node: Node, tag: str) -> None:
    name = tag.removeprefix(_TAG_PREFIX)
    types = _SCALAR_TAGS.get(name) if tag.startswith(_TAG_PREFIX) else None
    if types is None:
        node.issues.append(_tag_issue(tag, node.line))
        return
    node.value = node.text if name == "str" else resolve(node.text)
    if type(node.value) not in types:
        node.issues.append(Issue(f"{shown(node.text)} is not what its tag !!{name} says", line=node.line))


def _tag_issue(tag: str, line: int) -> Issue:
    name = tag.replace(_TAG_PREFIX, "!!", 1) if tag.startswith(_TAG_PREFIX) else tag
    return Issue(f"the tag {brief(name)} is not supported: a manifest is plain data", line=line)
