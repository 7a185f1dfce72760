"""What the API answers, as far as the command line reads it. Any key may be missing: EGX may be older."""

from __future__ import annotations

from typing import Any, TypedDict

ENDED: frozenset[str] = frozenset({"done", "rolled_back", "failed"})


class Step(TypedDict, total=False):
    index: int
    name: str
    cause: str
    state: str
    error: str
    result: dict[str, Any]


class Operation(TypedDict, total=False):
    id: int | str
    kind: str
    subject: str
    gateway: str | None
    state: str
    attempt: int
    error: str
    hint: str
    created_at: str | None
    started_at: str | None
    finished_at: str | None
    steps: list[Step]
    plan: str
    result: dict[str, Any]


class Change(TypedDict, total=False):
    action: str
    kind: str
    namespace: str
    name: str


class Plan(TypedDict, total=False):
    gateway: str
    text: str
    steps: list[Step]


class Changed(TypedDict, total=False):
    """The answer to apply and delete."""

    changes: list[Change]
    warnings: list[dict[str, Any]]
    operations: list[Operation]
    plans: list[Plan]


def title_of(operation: Operation) -> str:
    """`gateway demo: deploy 3`, `image app:1: build 4`"""
    name = f"{operation.get('kind', 'operation')} {operation.get('id', '?')}"
    gateway = operation.get("gateway")
    kind, _, image = str(operation.get("subject", "")).partition("/")
    about = f"gateway {gateway}" if gateway else f"image {image}" if kind == "build" else ""
    return f"{about}: {name}" if about else name


def has_ended(operation: Operation) -> bool:
    return operation.get("state") in ENDED
