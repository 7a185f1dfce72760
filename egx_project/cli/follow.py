"""Watch operations to their end.

The operation is the truth; events only say when to look again. EGX may be restarted meanwhile: the operation
goes on with the next worker, and so does the watching.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar, cast

from egx_project.cli.answers import Operation, has_ended
from egx_project.cli.build_log import WithBuildLogs
from egx_project.cli.client import Client, path_of
from egx_project.cli.errors import AnswerError, FollowInterruptedError
from egx_project.cli.lines import ProgressLines
from egx_project.cli.output import Output
from egx_project.cli.progress import Progress
from egx_project.lib.errors import EgxError, UnreachableError

POLL_SECONDS = 20
AWAY_SECONDS = 30.0
RETRY_SECONDS = 0.3
SHORTEST_ROUND = 0.1
"""Between two looks: a burst of events is one look."""

T = TypeVar("T")


def follow(
    client: Client, output: Output, operations: Iterable[Operation], *, timeout: float | None = None
) -> list[Operation]:
    """The operations as they ended, or, after `timeout` seconds, as they stand.

    Raises FollowInterruptedError, and UnreachableError when EGX stays away.
    """
    watched = {str(operation.get("id")): operation for operation in operations}
    if not watched:
        return []
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        with WithBuildLogs(_progress(output), client) as progress:
            _Watch(client, progress, watched, deadline).run()
    except KeyboardInterrupt:
        raise FollowInterruptedError(_goes_on(watched), hint=_how_to_follow(watched)) from None
    except UnreachableError as error:
        raise type(error)(error.message, hint=f"`egx up` starts it; then {_how_to_follow(watched)}") from error
    if _unfinished(watched):
        output.note(f"{_goes_on(watched)} after {timeout:g} s; {_how_to_follow(watched)}")
    return list(watched.values())


@dataclass
class _Watch:
    client: Client
    progress: Progress
    operations: dict[str, Operation]
    deadline: float | None
    event: int = 0
    away_since: float | None = field(default=None, init=False)

    def run(self) -> None:
        # The event's number comes before the first look: what happens in between ends the first wait.
        self._wait(0)
        to_look_at = list(self.operations)
        while to_look_at:
            begun = time.monotonic()
            for number in to_look_at:
                self._look(number)
            to_look_at = _unfinished(self.operations)
            if not to_look_at or self._left(POLL_SECONDS) <= 0:
                return
            self._wait(POLL_SECONDS)
            time.sleep(max(0.0, min(SHORTEST_ROUND - (time.monotonic() - begun), self._left(SHORTEST_ROUND))))

    def _look(self, number: str) -> None:
        operation = self._persist(lambda: self.client.get(path_of("operations", number)))
        if operation is not None:
            self.operations[number] = cast("Operation", operation)
            self.progress.update(self.operations[number])

    def _wait(self, longest: int) -> None:
        """Until there is an event that may be news of an operation, for at most `longest` seconds."""
        under_way = _unfinished(self.operations)
        if not under_way:
            return
        seconds = max(0.0, self._left(longest))
        only = under_way[0] if len(under_way) == 1 or not self.event else None
        params = {"since": self.event, "wait": int(seconds) or (1 if seconds else 0), "operation": only}
        try:
            answer = self._persist(lambda: self.client.get("/events", params, seconds=seconds + 10))
        except AnswerError:
            # Events are a comfort: without them the operations are simply looked at again and again.
            time.sleep(min(RETRY_SECONDS, seconds))
            return
        if answer is not None:
            last = int(answer.get("last") or 0)
            self.event = last if answer.get("reset") else max(self.event, last)

    def _persist(self, ask: Callable[[], T]) -> T | None:
        """The answer, asked for again while EGX is away; None when the time to wait is over."""
        while True:
            try:
                answer = ask()
            except EgxError as error:
                if not (isinstance(error, UnreachableError) or (isinstance(error, AnswerError) and error.is_away)):
                    raise
                if not self._try_again(error):
                    return None
            else:
                if self.away_since is not None:
                    self.away_since = None
                    self.progress.notice("EGX answers again")
                return answer

    def _try_again(self, error: EgxError) -> bool:
        now = time.monotonic()
        if self.away_since is None:
            self.away_since = now
            self.progress.notice(f"{error.message}; waiting up to {AWAY_SECONDS:g} s for it to come back")
        if now - self.away_since >= AWAY_SECONDS:
            raise error if isinstance(error, UnreachableError) else UnreachableError(error.message)
        if self._left(RETRY_SECONDS) <= 0:
            return False
        time.sleep(RETRY_SECONDS)
        return True

    def _left(self, longest: float) -> float:
        return longest if self.deadline is None else min(longest, self.deadline - time.monotonic())


def _progress(output: Output) -> Progress:
    if sys.stderr.isatty():
        from egx_project.cli.terminal import ProgressBars

        return ProgressBars()
    return ProgressLines(output)


def _unfinished(operations: dict[str, Operation]) -> list[str]:
    return [number for number, operation in operations.items() if not has_ended(operation)]


def _goes_on(operations: dict[str, Operation]) -> str:
    left = _unfinished(operations)
    return f"operation {left[0]} goes on" if len(left) == 1 else f"operations {', '.join(left)} go on"


def _how_to_follow(operations: dict[str, Operation]) -> str:
    return " and ".join(f"`egx op follow {number}`" for number in _unfinished(operations)) + " follows it"
