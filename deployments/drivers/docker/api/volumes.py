"""The volumes of a Docker Engine."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import docker.errors

from deployments.drivers.docker.api.connection import Connection, Json


class VolumeCalls(Connection):
    def volume(self, name: str) -> Json | None:
        with self._asking(f"show volume {name}"):
            try:
                return self._api.inspect_volume(name)
            except docker.errors.NotFound:
                return None

    def create_volume(self, name: str, labels: Mapping[str, str]) -> None:
        with self._asking(f"make volume {name}"):
            self._api.create_volume(name, labels=dict(labels))

    def remove_volume(self, name: str) -> None:
        """Nothing where it is not there."""
        with self._asking(f"remove volume {name}"), contextlib.suppress(docker.errors.NotFound):
            self._api.remove_volume(name)
