"""What a Docker Engine tells as it happens: the logs of containers, and events."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import docker
import docker.errors
import requests
import urllib3

from deployments.drivers.docker.api.connection import SECONDS, Connection, Json

NOT_TO_BE_CLOSED = (OSError, AttributeError, ValueError, docker.errors.DockerException)
"""What the package raises where it closes what is closed."""


class LogStream:
    """What a container says, as it says it."""

    def __init__(self, client: docker.APIClient, stream: Any) -> None:  # noqa: ANN401  a type of the package's own
        self._client = client
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError, AttributeError):
            return  # the Engine went away, or it was cancelled

    def cancel(self) -> None:
        """Ends the reading of another thread."""
        with contextlib.suppress(*NOT_TO_BE_CLOSED):
            self._stream.close()

    def close(self) -> None:
        """By whoever has read it."""
        _close(self._stream)
        self._client.close()


class StreamCalls(Connection):
    def stamped_log(
        self, container: str, *, since: float | None = None, tail: int | None = None, follow: bool = False
    ) -> LogStream:
        """Its lines, each beginning with its stamp; with `follow`, on to the container's end. To be closed."""
        client = self._client(timeout=SECONDS)
        try:
            with self._asking(f"read the log of {container}"):
                found = client.logs(
                    container,
                    stream=True,
                    follow=follow,
                    timestamps=True,
                    since=since,
                    tail="all" if tail is None else tail,
                )
        except BaseException:
            client.close()
            raise
        return LogStream(client, found)

    def events(self, filters: Mapping[str, list[str]], *, seconds: float, since: float | None = None) -> Iterator[Json]:
        """What happens, as far as the filters let it through, until somebody stops reading, or after `seconds`.
        With `since`, of the Epoch, also what has happened since then.

        Returns early, as it were without news, where the Engine goes away.
        """
        client = self._client(timeout=seconds)
        try:
            begun = None if since is None else int(since)
            stream = client.events(decode=True, filters=dict(filters), since=begun)
            try:
                yield from stream
            finally:
                _close(stream)
        except (requests.RequestException, urllib3.exceptions.HTTPError, docker.errors.DockerException, OSError):
            return
        finally:
            client.close()


def _close(stream: Any) -> None:  # noqa: ANN401  a type of the package's own
    """By whoever has read it: its own `close` leaves half of it open, and all of it where the Engine has gone away."""
    for close in (stream.close, stream._response.close):
        with contextlib.suppress(*NOT_TO_BE_CLOSED):
            close()
