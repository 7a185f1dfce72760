"""The log of a build beside the progress of its operation, as it comes."""

from __future__ import annotations

from typing import Self

from egx_project.cli.answers import Operation, has_ended
from egx_project.cli.client import Client, path_of
from egx_project.cli.errors import AnswerError
from egx_project.cli.progress import Progress
from egx_project.lib.errors import UnreachableError

BUILD = "build"


class WithBuildLogs:
    """Progress that also says what builds say."""

    def __init__(self, inner: Progress, client: Client) -> None:
        self._inner = inner
        self._client = client
        self._offsets: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(self, *stopped: object) -> None:
        self._inner.__exit__(*stopped)

    def update(self, operation: Operation) -> None:
        if operation.get("kind") == BUILD:
            self._say(str(operation.get("id")), whole=has_ended(operation))
        self._inner.update(operation)

    def notice(self, text: str) -> None:
        self._inner.notice(text)

    def _say(self, number: str, *, whole: bool) -> None:
        """What is new; to the end where there will be no other time."""
        while True:
            offset = self._offsets.get(number, 0)
            try:
                piece = self._client.get(path_of("builds", number, "log"), {"offset": offset})
            except (AnswerError, UnreachableError):  # the log is a comfort: the operation is what is watched
                return
            if int(piece.get("offset") or 0) > offset:
                self._inner.notice("… the log before is not kept")
            for line in str(piece.get("text") or "").splitlines():
                self._inner.notice(line)
            self._offsets[number] = int(piece.get("next") or offset)
            if not piece.get("text") or not whole:
                return
