"""A bounded, steady load on loopback that counts what it does not get."""

from __future__ import annotations

import http.client
import threading
from types import TracebackType
from typing import Self

PAUSE_SECONDS = 0.005
ANSWER_SECONDS = 10.0


class Load:
    """Two clients, one keeping its connection and one making a new one for each request, until the block ends."""

    def __init__(self, port: int, path: str = "/", *, says: str = "") -> None:
        self.port = port
        self.path = path
        self.says = says
        """What every answer must be; empty: anything."""
        self.answered = 0
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(keep,), daemon=True) for keep in (True, False)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, keep: bool) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._stop.wait(PAUSE_SECONDS):
            connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
            closing = self._ask(connection)
            if closing or not keep:
                connection.close()
                connection = None
        if connection:
            connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> bool:
        """Send one request; whether its connection is at its end."""
        try:
            connection.request("GET", self.path)
            answer = connection.getresponse()
            said = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            self._note(f"{type(error).__name__}: {error}")
            return True
        right = answer.status == http.HTTPStatus.OK and self.says in {"", said}
        self._note("" if right else f"{answer.status} {said[:80]}")
        return answer.getheader("connection", "").lower() == "close"

    def _note(self, failure: str) -> None:
        with self._lock:
            self.answered += not failure
            if failure:
                self.failures.append(failure)
