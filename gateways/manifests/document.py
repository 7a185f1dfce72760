"""One object of a manifest before it is known whether it can be used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from gateways.manifests import kinds
from gateways.manifests.nodes import Node, Path, brief, shown
from gateways.spec.base import NAME_LENGTH, ObjectRef, Problem, Severity

API_VERSION, KIND, METADATA = "apiVersion", "kind", "metadata"
_LIST = "List"


@dataclass(frozen=True)
class Document:
    source: str
    node: Node
    list_kind: str = ""
    """The kind and apiVersion of the list that it is an item of: `GatewayList` makes its items Gateways."""
    list_version: str = ""

    @property
    def kind(self) -> str:
        return self._text(KIND) or self.list_kind.removesuffix(_LIST)

    @property
    def api_version(self) -> str:
        return self._text(API_VERSION) or (self.list_version if self.list_kind != _LIST else "")

    @property
    def ref(self) -> ObjectRef | None:
        """What the object calls itself, if it does so in a way that can be shown."""
        name, namespace = self._text(METADATA, "name"), self._text(METADATA, "namespace") or "default"
        words = (self.kind, namespace, name)
        if not all(0 < len(word) <= NAME_LENGTH and word.isprintable() for word in words):
            return None
        return ObjectRef(kind=self.kind, namespace=namespace, name=name)

    def _text(self, *path: str) -> str:
        node = self.node.find(path)
        return node.value if node and isinstance(node.value, str) else ""

    def problem(
        self, path: Path, message: str, hint: str = "", *, line: int = 0, severity: Severity = "error"
    ) -> Problem:
        """A problem at the nearest line to a path of this object."""
        return Problem(
            message=message,
            hint=hint,
            ref=self.ref,
            path=tuple(brief(key) if isinstance(key, str) else key for key in path),
            source=self.source,
            line=line or self.node.line_of(path),
            severity=severity,
        )

    def yaml_problems(self, most: int) -> list[tuple[Path, Problem]]:
        """What is wrong with the document as YAML, whatever it says, with the path of what is meant."""
        found = islice(self.node.all_issues(), most)
        return [(path, self.problem(path, item.message, item.hint, line=item.line)) for path, item in found]

    @property
    def is_list(self) -> bool:
        return self.kind == _LIST or (self.kind.endswith(_LIST) and self.node.child("items") is not None)

    def items(self) -> Iterator[Document]:
        items = self.node.find(("items",))
        for entry in items.value if items and isinstance(items.value, list) else ():
            yield Document(self.source, entry.node, list_kind=self.kind, list_version=self.api_version)

    def list_problems(self) -> Iterator[Problem]:
        """What is wrong with the list itself; its metadata does not matter."""
        items = self.node.find(("items",))
        for issue in [*self.node.issues, *(items.issues if items else ())]:
            yield self.problem((issue.key,) if issue.key else (), issue.message, issue.hint, line=issue.line)
        if items is None:
            yield self.problem(("items",), "the required field 'items' is missing")
        elif not isinstance(items.value, list) and items.value is not None:
            yield self.problem(("items",), "must be a list", "begin each item with '- '")

    def header_problems(self) -> Iterator[Problem]:
        """Why it cannot even be told what this is."""
        if not isinstance(self.node.value, dict):
            is_list = isinstance(self.node.value, list)
            what = "a list" if is_list else shown(self.node.text)
            hint = "put the objects under `items:` of a `kind: List`, or between lines of `---`" if is_list else ""
            yield self.problem((), f"an object has apiVersion, kind, metadata and spec; this is {what}", hint)
            return
        yield from self._header_field(KIND, self.kind)
        yield from self._header_field(API_VERSION, self.api_version)

    def _header_field(self, name: str, value: str) -> Iterator[Problem]:
        if value:
            return
        if self.node.child(name):
            yield self.problem((name,), "must be text that is not empty")
            return
        version = kinds.right_version(self.kind)
        hint = f"write {name}: {version}" if version else ""
        for key in self.node.value if isinstance(self.node.value, dict) else ():
            if key.lower() == name.lower():
                hint = f"write {name} instead of {key}"
        yield self.problem((name,), f"the required field '{name}' is missing", hint)

    def kind_problem(self) -> Problem:
        """Why this apiVersion and kind, which are both there, name nothing that EGX knows."""
        version = kinds.right_version(self.kind)
        if version:
            message = f"{shown(self.api_version)} is not an apiVersion of {self.kind} that EGX knows"
            return self.problem((API_VERSION,), message, f"write {version}")
        message = f"EGX does not know the kind {shown(self.kind)} of {shown(self.api_version)}"
        return self.problem((KIND,), message, kinds.similar_kind(self.kind))
