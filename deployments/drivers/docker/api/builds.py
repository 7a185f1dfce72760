"""What a Docker Engine builds and publishes: its own lines as they come, errors among them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import cast

import docker.errors

from deployments.drivers.docker.api.connection import SECONDS, Connection, Json
from deployments.drivers.docker.api.errors import DaemonError


class BuildCalls(Connection):
    def build(
        self, folder: str, dockerfile: str, tag: str, *, arguments: Mapping[str, str], platform: str
    ) -> Iterator[Json]:
        """By the Engine's classic builder; with no platform, for its own. Raises DaemonError where it cannot begin."""
        try:
            with contextlib.closing(self._client(timeout=SECONDS)) as client:
                yield from client.build(
                    path=folder,
                    dockerfile=dockerfile,
                    tag=tag,
                    buildargs=dict(arguments),
                    platform=platform or None,
                    rm=True,
                    forcerm=True,
                    decode=True,
                )
        except (docker.errors.DockerException, OSError) as error:  # the folder may be what cannot be read
            raise DaemonError(str(error)) from error

    def push(self, name: str) -> Iterator[Json]:
        """To the registry of its name, as who `docker login` has made this user. Raises DaemonError, too."""
        try:
            with contextlib.closing(self._client(timeout=SECONDS)) as client:
                yield from cast("Iterator[Json]", client.push(name, stream=True, decode=True))
        except (docker.errors.DockerException, OSError) as error:
            raise DaemonError(str(error)) from error
