"""Progress as plain lines: for logs, pipes and CI."""

from __future__ import annotations

from typing import Self

from egx_project.cli.answers import Operation, Step, has_ended, title_of
from egx_project.cli.output import Output


class ProgressLines:
    """A line on stderr for each change of a step: `gateway demo: deploy 3: start_slot done`."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._seen: dict[tuple[str, str], str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *stopped: object) -> None:
        pass

    def update(self, operation: Operation) -> None:
        key, title = str(operation.get("id")), title_of(operation)
        attempt, state = operation.get("attempt") or 0, operation.get("state", "")
        if attempt > 1 and self._is_news(key, "attempt", str(attempt)):
            self._output.note(f"{title}: attempt {attempt}")
        if state in {"queued", "undoing"} and self._is_news(key, "state", state):
            self._output.note(f"{title}: {state}")
        for step in operation.get("steps") or []:
            step_state = step.get("state", "pending")
            if step_state != "pending" and self._is_news(key, f"step {step.get('index')}", step_state):
                self._output.note(f"{title}: {_step(step)}")
        if has_ended(operation) and self._is_news(key, "state", state):
            self._output.note(f"{title}: {_end(operation)}")

    def notice(self, text: str) -> None:
        self._output.note(text)

    def _is_news(self, operation: str, part: str, state: str) -> bool:
        if self._seen.get((operation, part)) == state:
            return False
        self._seen[operation, part] = state
        return True


def _step(step: Step) -> str:
    told = f"{step.get('name')} {step.get('state')}"
    error = step.get("error")
    return f"{told}: {error}" if error else told


def _end(operation: Operation) -> str:
    told = operation.get("state", "")
    if error := operation.get("error"):
        told = f"{told}: {error}"
    hint = operation.get("hint")
    return f"{told} ({hint})" if hint else told
