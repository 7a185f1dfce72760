"""A manifest's text into objects, and all that is wrong with it into problems with lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from egx_project.lib.errors import BadInputError
from gateways.manifests import kinds
from gateways.manifests.composer import SyntaxProblemError, compose
from gateways.manifests.document import Document
from gateways.manifests.limits import DEFAULT_LIMITS, Budget, Limits, TooMuchError
from gateways.manifests.nodes import Node, Path, brief
from gateways.manifests.typed import read_metadata, read_object
from gateways.spec.base import ManifestObject, ObjectRef, Problem


@dataclass(frozen=True)
class Source:
    """A file's text."""

    name: str
    """As the user is shown it: a path, or `-` for standard input."""
    text: str = field(repr=False)


@dataclass(frozen=True)
class Unread:
    """An object of a kind that EGX knows of and does not read."""

    ref: ObjectRef
    api_version: str
    document: dict[str, JsonValue] = field(repr=False)
    """All of it but the status and what a cluster adds to metadata. It may hold secrets."""


@dataclass(frozen=True)
class Manifest:
    """What was read, in the order of the text."""

    objects: tuple[ManifestObject, ...] = ()
    unsupported: tuple[Unread, ...] = ()
    """Gateway API's and Envoy Gateway's other kinds: the caller decides."""
    ignored: tuple[Problem, ...] = ()
    """A warning for each object of Kubernetes that has no meaning here."""
    _places: dict[ObjectRef, tuple[str, Node]] = field(default_factory=dict, repr=False, compare=False)

    def locate(self, ref: ObjectRef, path: Path = ()) -> tuple[str, int]:
        """The source and the line of the nearest part of the path that exists; `("", 0)` if unknown."""
        if ref not in self._places:
            return "", 0
        source, node = self._places[ref]
        return source, node.line_of(path)


class ManifestError(BadInputError):
    """A manifest that cannot be used; `problems` says all that is wrong with it."""

    title = "Bad manifest"
    problems: tuple[Problem, ...]

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = str(problems[0]) if problems else "the manifest cannot be read"
        more = len(problems) - 1
        super().__init__(f"{first} (and {more} more)" if more > 0 else first, problems=problems)


def read(sources: Sequence[Source], *, limits: Limits = DEFAULT_LIMITS) -> Manifest:
    """Read manifests as one. Raises ManifestError with every problem of every document."""
    reading = _Reading(limits)
    try:
        reading.take_all(sources)
    except _EnoughError:
        message = f"reading stopped after {limits.problems} problems; there may be more"
        reading.problems.append(Problem(message=message))
    if reading.problems:
        raise ManifestError(reading.problems)
    return Manifest(
        objects=tuple(reading.objects),
        unsupported=tuple(reading.unsupported),
        ignored=tuple(reading.ignored),
        _places=reading.places,
    )


class _EnoughError(Exception):
    """So much is wrong that the rest need not be read."""


class _Reading:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._budget = Budget(limits)
        self._most = limits.problems + 1
        self.objects: list[ManifestObject] = []
        self.unsupported: list[Unread] = []
        self.ignored: list[Problem] = []
        self.problems: list[Problem] = []
        self.places: dict[ObjectRef, tuple[str, Node]] = {}

    def take_all(self, sources: Sequence[Source]) -> None:
        size = sum(len(source.text.encode(errors="replace")) for source in sources)
        if size > self._limits.characters:
            message = f"{size:,} bytes are too much; at most {self._limits.characters:,} are read"
            self._report(Problem(message=message))
            return
        for source in sources:
            try:
                self._take_source(source)
            except SyntaxProblemError as error:
                self._report_at(source, error.line, error.message, error.hint)
            except TooMuchError as error:
                self._report_at(source, error.line, error.message)
                return

    def _take_source(self, source: Source) -> None:
        for root in compose(source.text, self._budget):
            self._take(Document(source.name, root))

    def _take(self, document: Document) -> None:
        self._budget.spend_object(line=document.node.line)
        if document.is_list:
            self._report(*document.list_problems())
            for item in document.items():
                self._take(item)
        elif problems := list(document.header_problems()):
            issues = document.yaml_problems(self._most)
            self._report(*([problem for _, problem in issues] or problems))
        elif reason := kinds.why_ignored(document.api_version, document.kind):
            subject = "" if document.ref else f"{brief(document.kind)} "
            self.ignored.append(document.problem((), f"{subject}is ignored: {reason}", severity="warning"))
        else:
            self._take_known(document)

    def _take_known(self, document: Document) -> None:
        cls = kinds.READ.get(document.kind)
        if cls and document.api_version in cls.API_VERSIONS:
            self._take_object(document, cls)
        elif kinds.UNREAD.get(document.kind) == kinds.group_of(document.api_version):
            self._take_unread(document)
        else:
            self._report(document.kind_problem())

    def _take_object(self, document: Document, cls: type[ManifestObject]) -> None:
        item, problems = read_object(document, cls, most=self._most)
        self._report(*problems)
        if self._is_first(document) and item:
            self.objects.append(item)

    def _take_unread(self, document: Document) -> None:
        body, problems = read_metadata(document, most=self._most)
        self._report(*problems)
        if self._is_first(document) and document.ref:
            self.unsupported.append(Unread(document.ref, document.api_version, body))

    def _is_first(self, document: Document) -> bool:
        """Note where the object stands. The same object twice is a mistake: which of them is meant?"""
        ref = document.ref
        if ref is None:
            return False
        if ref in self.places:
            source, node = self.places[ref]
            self._report(document.problem((), f"is given twice: here and at {source}:{node.line}"))
            return False
        self.places[ref] = document.source, document.node
        return True

    def _report_at(self, source: Source, line: int, message: str, hint: str = "") -> None:
        self._report(Problem(message=message, hint=hint, source=source.name, line=line))

    def _report(self, *problems: Problem) -> None:
        for problem in problems:
            if len(self.problems) >= self._limits.problems:
                raise _EnoughError
            self.problems.append(problem)
