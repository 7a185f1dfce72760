"""What a runtime is that sends traffic to containers of its users: they are found, joined and left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from deployments.drivers.base import DriverError, Scope


@dataclass(frozen=True)
class ContainerPort:
    """A TCP port that a container says it listens on."""

    number: int
    published: tuple[str, ...] = ()
    """`address:port` of the host."""


@dataclass(frozen=True)
class LabelledRoute:
    """What a container's labels ask for."""

    name: str
    """Of `egx.route.<name>.path`; empty for `egx.route.path`."""
    path: str = "/"
    host: str = ""
    gateway: str = ""
    """Empty: the only one there is."""
    port: int = 0
    """0: the container's first."""
    keep_path: bool = False


@dataclass(frozen=True)
class Candidate:
    """A container of a user, or all of a compose service, that could have traffic."""

    identity: str
    """What it stays the same by when it is made anew: a container's name, or `project/service`."""
    names: tuple[str, ...]
    """Of its containers."""
    image: str
    state: str
    """`running` where any of them runs."""
    health: str = ""
    """`healthy`, `unhealthy` or `starting`; empty where it has no health check."""
    ports: tuple[ContainerPort, ...] = ()
    """What is probably HTTP first."""
    networks: tuple[str, ...] = ()
    routes: tuple[LabelledRoute, ...] = ()
    problems: tuple[str, ...] = ()
    """What is wrong with its labels, in sentences."""
    obstacle: str = ""
    """Why it cannot have traffic from a gateway in Docker."""

    @property
    def project(self) -> str:
        """Of compose; empty for a container by itself."""
        return self.identity.rpartition("/")[0]

    @property
    def running(self) -> bool:
        return self.state == "running"

    def is_called(self, name: str) -> bool:
        return name == self.identity or name in self.names


@dataclass(frozen=True)
class Joined:
    """What a join found."""

    containers: tuple[str, ...]
    """Names of those that are in the network."""
    missing: tuple[str, ...]
    """Identities that no container has now."""


class ContainerError(DriverError):
    """A user's container cannot be joined."""


@runtime_checkable
class ContainerDriver(Protocol):
    """A driver whose gateways reach containers of users."""

    def candidates(self) -> Sequence[Candidate]:
        """The containers that are not EGX's own."""
        ...

    def join(self, scope: Scope, identities: Iterable[str]) -> Joined:
        """Have these in the network of the gateway's engines, and have them again whenever they are made anew.

        What is not there is joined when it comes. Raises ContainerError for one that cannot be joined.
        """
        ...

    def leave(self, scope: Scope, identities: Iterable[str]) -> None:
        """The gateway does not want these any more. They leave once no engine that runs names them, nor any gateway."""
        ...

    def news(self) -> bool:
        """Whether something has happened to containers since the last time that somebody asked."""
        ...
