"""What every Gateway API object has."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
DURATION = re.compile(r"([0-9]{1,5}(h|m|s|ms)){1,4}")

LABEL_LENGTH = 63
NAME_LENGTH = 253


def _label(value: str) -> str:
    if len(value) > LABEL_LENGTH or not DNS_LABEL.fullmatch(value):
        raise ValueError("must be lower case letters, digits and '-', at most 63 characters")
    return value


def _name(value: str) -> str:
    if len(value) > NAME_LENGTH or not DNS_NAME.fullmatch(value):
        raise ValueError("must be lower case letters, digits, '-' and '.', at most 253 characters")
    return value


def _hostname(value: str) -> str:
    return "*." + _name(value[2:]) if value.startswith("*.") else _name(value)


def _duration(value: str) -> str:
    if not DURATION.fullmatch(value):
        raise ValueError("must be a Gateway API duration such as 10s, 1m30s or 500ms")
    return value


Label = Annotated[str, AfterValidator(_label)]
Name = Annotated[str, AfterValidator(_name)]
Hostname = Annotated[str, AfterValidator(_hostname)]
"""A DNS name, or one whose first label is `*` (Gateway API `Hostname`)."""
Duration = Annotated[str, AfterValidator(_duration)]
"""GEP-2257: up to four parts of up to five digits with h, m, s or ms."""
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]


class Part(BaseModel):
    """A piece of an object: immutable, camelCase in YAML, and no field that the API does not have."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    def as_written(self) -> dict[str, Any]:
        """The piece as YAML has it: only what its author set, in the API's spelling."""
        return self.model_dump(by_alias=True, exclude_unset=True, mode="json")


class ObjectMeta(Part):
    """The part of Kubernetes' ObjectMeta that is desired state; what a cluster adds is dropped when read."""

    name: Name
    namespace: Label = "default"
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class ManifestObject(Part):
    """One document of a manifest."""

    KIND: ClassVar[str]
    API_VERSIONS: ClassVar[tuple[str, ...]]
    """Newest first; the first is what EGX writes."""

    metadata: ObjectMeta

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef(kind=self.KIND, namespace=self.metadata.namespace, name=self.metadata.name)


class ObjectRef(Part):
    """The identity of an object."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        place = "" if self.namespace == "default" else f"{self.namespace}/"
        return f"{self.kind} {place}{self.name}"


Severity = Literal["error", "warning"]


class Problem(Part):
    """Something about an object that its author should know: what, where, and what to do."""

    message: str
    hint: str = ""
    ref: ObjectRef | None = None
    path: tuple[str | int, ...] = ()
    """Keys and indices from the document's root, as in `("spec", "rules", 0, "matches")`."""
    source: str = ""
    line: int = 0
    """1 is the first line; 0 is unknown."""
    severity: Severity = "error"

    @property
    def field(self) -> str:
        """The path as people write it: `spec.rules[0].matches`."""
        text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        return text.removeprefix(".")

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.source and self.line else self.source
        parts = [place, str(self.ref) if self.ref else "", self.field]
        head = ": ".join(part for part in parts if part)
        tail = f" ({self.hint})" if self.hint else ""
        return f"{head}: {self.message}{tail}" if head else f"{self.message}{tail}"
