"""What every runtime's driver does: a spec in, an observation out. Plain Python; no Django."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from egx_project.lib.errors import EgxError
from gateways.spec.base import Problem
from gateways.spec.snapshot import GatewaySnapshot


class SlotName(StrEnum):
    BLUE = "blue"
    GREEN = "green"

    @property
    def other(self) -> SlotName:
        return SlotName.GREEN if self is SlotName.BLUE else SlotName.BLUE


@dataclass(frozen=True)
class Artifact:
    """Where a release is fetched from, and what it must be."""

    url: str
    sha256: str
    """Hexadecimal, of the file at `url`."""
    size: int
    """Bytes; 0 where the channel does not say."""


@dataclass(frozen=True)
class Engine:
    """What serves: its version, and the digest (`sha256:<hex>`) once it is pulled."""

    version: str
    digest: str = ""
    artifact: Artifact | None = None
    """None: it is here already, or comes with EGX."""


Realm = Literal["lifecycle", "configuration"]


@dataclass(frozen=True)
class Scope:
    """In whose name an effect is made: one attempt of one operation on one gateway, or on one image.

    Lifecycle and configuration go on beside each other, so each has a fence of its own.
    """

    key: str
    fence: int
    realm: Realm = "lifecycle"


@dataclass(frozen=True)
class SlotObservation:
    name: SlotName
    present: bool = False
    """It is meant to run: started and not stopped."""
    alive: bool = False
    ready: bool = False
    """It answers, with the whole configuration of `generation` accepted."""
    draining: bool = False
    engine: Engine | None = None
    generation: int = 0
    connections: int = 0
    problem: str = ""
    """Why it is not ready, as the engine says it; empty where it says nothing yet."""
    revision: str = ""
    """Why what is desired needs a new engine beside this one, which then takes over; empty where this one takes it."""


@dataclass(frozen=True)
class EdgeObservation:
    present: bool = False
    alive: bool = False
    ports: tuple[int, ...] = ()
    """Published and accepting."""
    serving: SlotName | None = None
    """The slot that new connections go to, as the edge itself says."""
    generation: int = 0


@dataclass(frozen=True)
class Observation:
    key: str
    edge: EdgeObservation = EdgeObservation()
    slots: Mapping[SlotName, SlotObservation] = field(
        default_factory=lambda: {name: SlotObservation(name=name) for name in SlotName}
    )
    joined: tuple[str, ...] = ()
    """The users' containers that are meant to be in the network of the gateway's engines, sorted."""

    @property
    def exists(self) -> bool:
        return self.edge.present or any(slot.present for slot in self.slots.values())

    @property
    def live(self) -> tuple[SlotName, ...]:
        """The slots that are meant to run."""
        return tuple(name for name, slot in self.slots.items() if slot.present)


@dataclass(frozen=True)
class Traffic:
    """What one Envoy has counted since it started. Counters only grow, and start anew with another `life`."""

    life: str = ""
    """Names the process that counts."""
    requests: int = 0
    """Begun; on an edge, connections."""
    failures: Mapping[str, int] = field(default_factory=dict)
    """Requests that ended without a backend's answer, by Envoy's response flag (`UF`, `NR`, …) or, where an answer of
    the engine's own has none, `4xx` or `5xx`. What a backend answers is never in here, whatever its status."""
    latency: tuple[tuple[float, int], ...] = ()
    """(upper bound in milliseconds, how many took as long or shorter): cumulative, as in Prometheus."""
    connections: int = 0
    """Open now."""
    upgrades: int = 0
    """WebSockets open now."""


@dataclass(frozen=True)
class TrafficObservation:
    edge: Traffic = Traffic()
    slots: Mapping[SlotName, Traffic] = field(default_factory=dict)
    """Of the slots that answer."""


@dataclass(frozen=True)
class Probe:
    """A request that EGX sends itself."""

    port: int
    host: str
    path: str


@dataclass(frozen=True)
class Revival:
    """Something of EGX's that had died and was started again."""

    key: str
    unit: str
    reason: str
    failures: int
    """In a row, this one included; the wait before the next try grows with it."""


@dataclass(frozen=True)
class Retirement:
    """An engine that had been replaced, and whose last connections have ended or have had their time."""

    key: str
    unit: str
    cut: int
    """Connections that had not ended."""


@dataclass(frozen=True)
class ContainerNews:
    """Something about a user's container that a gateway sends traffic to."""

    key: str
    container: str
    what: Literal["joined", "left", "missing", "stuck"]
    reason: str


class Progress(Protocol):
    """Told how far a fetch is."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """`done` of `total` bytes of a part, such as an image's layer."""
        ...


def unwatched(what: str, done: int, total: int) -> None:
    """For whoever does not want to know how far a fetch is."""


class DriverError(EgxError):
    """The runtime could not do it."""

    title = "The runtime failed"


class FencedError(DriverError):
    """A newer attempt is at it: nothing was changed, and this one must end quietly."""


class SilentError(DriverError):
    """An engine that runs, or should, does not answer EGX."""


class AbsentError(SilentError):
    """The runtime as a whole does not answer: nothing can be done there until it is back."""


class ConfigRejectedError(DriverError):
    """The engine does not accept this configuration; what it had before still serves."""


class Driver(Protocol):
    """One runtime. Every effect is idempotent, and whole or absent after a kill at any point.

    Effects carry a `Scope` and raise FencedError, having changed nothing, once a newer attempt of its realm has called
    `fence`. A configuration older than the one in place is refused in the same way, whichever realm it comes from.
    """

    kind: str
    look_every: float
    """Seconds between looks at what is awaited: what starts and what serves need the cores that looking takes."""

    def refusals(self, snapshot: GatewaySnapshot) -> Sequence[Problem]:
        """What of the snapshot this runtime cannot do, by name. Pure."""
        ...

    def obstacles(self, snapshot: GatewaySnapshot) -> Sequence[Problem]:
        """What stands in the snapshot's way on this host right now, by name: a port that somebody else has."""
        ...

    def preflight(self, snapshot: GatewaySnapshot) -> None:
        """Raise DriverError where ports, disk or permissions would stop a deployment."""
        ...

    def observe(self, key: str, desired: GatewaySnapshot | None = None) -> Observation:
        """What there is; with `desired`, also what it takes to bring that to each slot."""
        ...

    def traffic(self, key: str) -> TrafficObservation:
        """What the gateway's edge and running slots have counted."""
        ...

    def probe(self, key: str, slot: SlotName, probe: Probe) -> int:
        """Send a GET through the slot, past the edge; the status of its answer, 0 where there is none."""
        ...

    def fence(self, scope: Scope) -> None:
        """From now on only this attempt, or a newer one, has effects."""
        ...

    def pull(self, engine: Engine, progress: Progress = unwatched) -> Engine:
        """Have the engine here, fetched from its artifact if need be, and checked; the answer carries its digest."""
        ...

    def check_config(self, engine: Engine, snapshot: GatewaySnapshot) -> None:
        """Let the engine itself judge the configuration, beside what serves. Raises ConfigRejectedError."""
        ...

    def start_slot(self, scope: Scope, slot: SlotName, engine: Engine, snapshot: GatewaySnapshot) -> None:
        """Start the slot with this configuration. Returns before it is ready; see `observe`."""
        ...

    def configure_slot(self, scope: Scope, slot: SlotName, snapshot: GatewaySnapshot) -> None:
        """Give a running slot the configuration, and return when it has accepted all of it."""
        ...

    def revert_slot(self, scope: Scope, slot: SlotName, generation: int) -> None:
        """If the slot holds `generation`, put back what it had accepted before."""
        ...

    def open_edge(self, scope: Scope, snapshot: GatewaySnapshot) -> None:
        """Start the edge where it does not run, and publish the snapshot's ports; return when it accepts on all."""
        ...

    def configure_edge(self, scope: Scope, ports: Sequence[int], generation: int) -> None:
        """Publish exactly these ports; others' connections are not touched."""
        ...

    def switch(self, scope: Scope, to: SlotName | None) -> None:
        """New connections go to this slot (None: to none); return when the edge itself says so."""
        ...

    def drain(self, scope: Scope, slot: SlotName) -> None:
        """Ask the slot's clients to move over; reversible."""
        ...

    def undrain(self, scope: Scope, slot: SlotName) -> None: ...

    def stop_slot(self, scope: Scope, slot: SlotName) -> None:
        """Stop it and keep its files; return when it is gone."""
        ...

    def resume_slot(self, scope: Scope, slot: SlotName) -> None:
        """Start a stopped slot again, as it was."""
        ...

    def close_edge(self, scope: Scope) -> None:
        """Stop accepting; keep the files; return when it is gone."""
        ...

    def reopen_edge(self, scope: Scope) -> None:
        """Start a closed edge again, as it was."""
        ...

    def destroy(self, scope: Scope) -> None:
        """Remove all that EGX made for the gateway."""
        ...

    def tend(self) -> Sequence[Revival | Retirement | ContainerNews]:
        """Start again what has died, with back-off; take away what was replaced and has no clients any more."""
        ...

    def await_death(self, seconds: float) -> None:
        """Return as soon as something that should run has died, as far as this runtime tells, or after `seconds`."""
        ...
