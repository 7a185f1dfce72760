"""What shows how operations go on."""

from __future__ import annotations

from typing import Protocol, Self

from egx_project.cli.answers import Operation


class Progress(Protocol):
    def __enter__(self) -> Self: ...
    def __exit__(self, *stopped: object) -> None: ...
    def update(self, operation: Operation) -> None: ...
    def notice(self, text: str) -> None: ...
