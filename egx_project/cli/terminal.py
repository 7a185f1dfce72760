"""What only a terminal gets. Imports rich, and so is itself imported only when there is a terminal."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table as RichTable
from rich.text import Text

from egx_project.cli.answers import Operation, has_ended, title_of
from egx_project.cli.output import printable
from egx_project.cli.tables import Table

_STYLES = {
    **dict.fromkeys(("done", "serving", "installed", "active"), "green"),
    **dict.fromkeys(("queued", "pending", "running", "deploying", "removing"), "yellow"),
    **dict.fromkeys(("undoing", "undone", "degraded", "rolled_back", "failed", "quarantined", "moved"), "red"),
}


def print_table(table: Table) -> None:
    drawn = RichTable(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for heading in table.headings:
        drawn.add_column(heading, overflow="fold")
    for row in table.rows:
        # Text, not str: what is in a manifest must not be read as rich's markup.
        drawn.add_row(*(Text(printable(cell) or "-", style=_STYLES.get(cell, "")) for cell in row))
    Console(highlight=False).print(drawn)


class ProgressBars:
    """A bar per operation, on stderr."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[doing]}", markup=False),
            console=self._console,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *stopped: object) -> None:
        self._progress.stop()

    def update(self, operation: Operation) -> None:
        key = str(operation.get("id"))
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(printable(title_of(operation)), total=None, doing="")
        steps = operation.get("steps") or []
        done = sum(step.get("state") == "done" for step in steps)
        ended = has_ended(operation)
        total = done if ended else len(steps) or None
        self._progress.update(self._tasks[key], total=total, completed=done, doing=printable(_doing(operation)))
        if ended:
            self._progress.stop_task(self._tasks[key])

    def notice(self, text: str) -> None:
        self._console.print(Text(printable(text)))


def _doing(operation: Operation) -> str:
    if has_ended(operation):
        return operation.get("state", "")
    under_way = [step for step in operation.get("steps") or [] if step.get("state") in {"running", "undoing"}]
    if not under_way:
        return operation.get("state", "")
    step = under_way[-1]
    far = (step.get("result") or {}).get("progress", "")
    return " ".join(filter(None, (str(step.get("name")), str(step.get("state")), str(far))))
