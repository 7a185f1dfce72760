"""What helps gateways of a target beside them: a backend to try routes with, an agent for logs, Prometheus."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from deployments.drivers.base import Progress, unwatched
from deployments.drivers.log_files import Kind, LogPage


class ServiceName(StrEnum):
    TEST_BACKEND = "test-backend"
    LOG_AGENT = "log-agent"
    PROMETHEUS = "prometheus"


MEANINGS: Mapping[ServiceName, str] = {
    ServiceName.TEST_BACKEND: "A backend that answers with what arrived",
    ServiceName.LOG_AGENT: "Keeps the logs of gateways, also of engines that are gone",
    ServiceName.PROMETHEUS: "Keeps the metrics of engines",
}


@dataclass(frozen=True)
class ServiceObservation:
    """What there is of a service now."""

    running: bool = False
    ready: bool = False
    """It does its work: it answers, if it is something that is asked."""
    address: str = ""
    """Where it is reached, by whom it is for."""
    image: str = ""
    """As it was asked for."""
    problem: str = ""
    """Why it is not ready, as far as that is known."""


class Supporter(Protocol):
    """Makes and keeps the support services of one target. Every effect is idempotent."""

    def start(self, name: ServiceName, *, newest: bool, progress: Progress = unwatched) -> None:
        """Have it run, and go on running. With `newest`, its image is asked for again, else the one that is here will
        do. Raises DriverError with nothing left behind.
        """
        ...

    def stop(self, name: ServiceName) -> None:
        """Take it away; what it had gathered stays."""
        ...

    def meant(self) -> list[ServiceName]:
        """Those that were started and not stopped, by what is written on this host."""
        ...

    def run_agent(self, *, wanted: bool) -> None:
        """Have the log agent in this process, or not. Nothing where another process has it."""
        ...

    def read_logs(self, key: str, *, kinds: Collection[Kind], limit: int, since: str, after: str) -> LogPage:
        """A page of a gateway's logs: from the agent's files, else what the runtime still has itself.

        From `after`, or from `since` (a stamp as lines have it), or, without both, the last lines.
        """
        ...

    def observe(self) -> Mapping[ServiceName, ServiceObservation]: ...


@runtime_checkable
class Supported(Protocol):
    """A driver whose targets have support services."""

    @property
    def support(self) -> Supporter: ...
