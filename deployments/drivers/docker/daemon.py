"""All that is asked of a Docker Engine: its containers here, the rest by the modules of `api`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import docker.errors

from deployments.drivers.docker.api.connection import Json
from deployments.drivers.docker.api.errors import DaemonError
from deployments.drivers.docker.api.images import ImageCalls
from deployments.drivers.docker.api.networks import NetworkCalls
from deployments.drivers.docker.api.streams import StreamCalls
from deployments.drivers.docker.api.volumes import VolumeCalls


@dataclass(frozen=True)
class Container:
    """As `GET /containers/json` has it."""

    id: str
    name: str
    state: str
    """`created`, `running`, `restarting`, `exited`, `dead`, `paused` or `removing`."""
    labels: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    """By network."""
    published: tuple[tuple[str, int], ...] = ()
    """(address of the host, port)."""
    image: str = ""
    status: str = ""
    """As people read it: `Up 3 minutes`."""

    @property
    def running(self) -> bool:
        return self.state == "running"


class Daemon(NetworkCalls, VolumeCalls, ImageCalls, StreamCalls):
    """One Engine. Usable from several threads; nothing is asked before it is needed."""

    def containers(self, *labels: str) -> list[Container]:
        """All of them with these labels, stopped ones included."""
        with self._asking("list containers"):
            found = self._api.containers(all=True, filters={"label": list(labels)} if labels else {})
        return [_container(one) for one in found]

    def listed(self, **filters: str | list[str]) -> list[Json]:
        """As the Engine lists them, stopped ones included."""
        with self._asking("list containers"):
            return cast("list[Json]", self._api.containers(all=True, filters=filters))

    def inspect(self, container: str) -> Json | None:
        with self._asking(f"show container {container}"):
            try:
                return cast("Json", self._api.inspect_container(container))
            except docker.errors.NotFound:
                return None

    def create(self, name: str, spec: Mapping[str, Any]) -> str:
        """The new container's id. Raises DaemonError where the name is taken."""
        with self._asking(f"make container {name}"):
            made = self._api.create_container_from_config(dict(spec), name=name)
        return str(made["Id"])

    def start(self, container: str) -> None:
        with self._asking(f"start container {container}"):
            self._api.start(container)

    def stop(self, container: str, *, seconds: int) -> None:
        """Nothing where it does not run or is not there."""
        with self._asking(f"stop container {container}"), contextlib.suppress(docker.errors.NotFound):
            self._api.stop(container, timeout=seconds)

    def restart(self, container: str) -> None:
        with self._asking(f"restart container {container}"):
            self._api.restart(container, timeout=0)

    def remove(self, container: str) -> None:
        """Also where it runs; nothing where it is not there."""
        with self._asking(f"remove container {container}"):
            try:
                self._api.remove_container(container, force=True, v=False)
            except docker.errors.NotFound:
                return
            except docker.errors.APIError as error:
                if "already in progress" not in str(error):
                    raise

    def run(self, name: str, spec: Mapping[str, Any], *, seconds: float) -> str:
        """Run to its end and remove; what it said. Raises DaemonError with its last words where it failed."""
        self.remove(name)  # of an attempt that was killed
        container = self.create(name, spec)
        try:
            self.start(container)
            with self._asking(f"wait for container {name}"):
                code = int(self._api.wait(container, timeout=int(seconds))["StatusCode"])
            said = self.logs(container)
        finally:
            self.remove(container)
        if code:
            raise DaemonError(f"{name} ended with {code}: {_last(said)}")
        return said

    def execute(self, container: str, argv: list[str]) -> str:
        """What the command says; raises DaemonError where it fails."""
        with self._asking(f"run a command in {container}"):
            made = self._api.exec_create(container, argv, user="0")
            said = self._api.exec_start(made["Id"]).decode(errors="replace")
            code = self._api.exec_inspect(made["Id"])["ExitCode"]
        if code:
            raise DaemonError(f"`{' '.join(argv[:3])} …` in {container} failed ({code}): {_last(said)}")
        return said

    def logs(self, container: str, *, since: float | None = None, tail: int | None = None) -> str:
        """Of a container that is there; `since` in seconds of the Epoch."""
        with self._asking(f"read the log of {container}"):
            try:
                found = self._api.logs(
                    container, stdout=True, stderr=True, since=since, tail="all" if tail is None else tail
                )
            except docker.errors.NotFound:
                return ""
        return found.decode(errors="replace")

    def put(self, container: str, folder: str, archive: bytes | Iterable[bytes]) -> None:
        """Unpack a tar archive into the container's folder."""
        with self._asking(f"copy into {container}"):
            self._api.put_archive(container, folder, archive)

    def get(self, container: str, path: str) -> Iterator[bytes]:
        """A tar archive of the path."""
        with self._asking(f"copy {path} out of {container}"):
            chunks, _stat = self._api.get_archive(container, path)
            yield from chunks


def _container(found: Json) -> Container:
    networks = (found.get("NetworkSettings") or {}).get("Networks") or {}
    return Container(
        id=found["Id"],
        name=(found.get("Names") or ["/"])[0].lstrip("/"),
        state=found["State"],
        status=found.get("Status", ""),
        labels=found.get("Labels") or {},
        addresses={name: one.get("IPAddress") or "" for name, one in networks.items()},
        published=tuple(
            (str(port.get("IP", "")), int(port["PublicPort"]))
            for port in found.get("Ports") or ()
            if port.get("PublicPort")
        ),
        image=found.get("ImageID", ""),
    )


def _last(said: str) -> str:
    lines = [line for line in said.strip().splitlines() if line.strip()]
    return lines[-1][-300:] if lines else "it gives no reason"
