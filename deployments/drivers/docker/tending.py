"""What is meant to run runs: after a death, after somebody removed it by hand, after the Engine or the host restarted.

The Engine's own restart policy is the first to help; this is for what it does not see: a container that was stopped or
removed by hand, a network or volume that is gone, and an Envoy that its controller has lost and never starts again,
while it says that it is ready.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from deployments.drivers.base import ContainerNews, DriverError, Retirement, Revival, SilentError, SlotName
from deployments.drivers.docker import discovery, names, reach
from deployments.drivers.docker.api.connection import Json
from deployments.drivers.docker.daemon import Container, Daemon
from deployments.drivers.docker.edges import EdgeContainers, by_port
from deployments.drivers.docker.ground import Ground
from deployments.drivers.docker.joining import MISSING_SECONDS, Joining
from deployments.drivers.docker.records import Record, Shelf
from deployments.drivers.docker.revisions import by_revision
from deployments.drivers.docker.slots import SlotContainers
from deployments.drivers.docker.support import Support
from deployments.drivers.folders import Folders

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0
"""Between two looks, where the Engine tells of nothing."""
LOST_SECONDS = 4.0
"""An Envoy that has answered, and has not for so long while its container runs, is lost."""
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
STEADY_SECONDS = 30.0
"""What has run for so long is forgiven its earlier deaths."""
USERS_LOOK_SECONDS = 30.0
"""The same of the users' containers; what happens to those that EGX has joined, the Engine tells."""
NEWS = frozenset({"die", "destroy", "stop", "kill", "oom", "start", "pause", "unpause"})
OF_USERS = frozenset({"start", "destroy", "rename", "disconnect"})
"""What may make a container one that has to be joined, or stop it from being that."""

ANY = "*"
MOST_SEEN = 1000
"""Of containers that have news; more of them may be any."""

Parts = Callable[[str], tuple[Shelf, EdgeContainers, Mapping[SlotName, SlotContainers]]]


@dataclass
class _History:
    failures: int = 0
    revived_at: float = 0.0
    not_before: float = 0.0
    answered: str = ""
    """The container whose Envoy has answered."""
    silent_since: float | None = None


class Tending:
    def __init__(self, ground: Ground, folders: Folders, parts: Parts, joining: Joining, support: Support) -> None:
        self.ground = ground
        self.folders = folders
        self.parts = parts
        self.joining = joining
        self.support = support
        self.histories: dict[str, _History] = {}
        self.watch: EventWatch | None = None
        self._next_look = 0.0
        self._next_users_look = 0.0

    def tend(self) -> list[Revival | Retirement | ContainerNews]:
        keys = self.folders.names()
        return [*self._tend_own(keys), *(self._tend_users(keys) if keys else ())]

    def _tend_users(self, keys: Sequence[str]) -> list[ContainerNews]:
        """Those of the users' containers that gateways have to do with."""
        now = self.ground.clock.monotonic()
        seen = self.watch.of_users.take() if self.watch is not None else frozenset()
        if not self._concern(seen, keys) and now < self._next_users_look:
            return []
        try:
            found = list(self.joining.tend(keys))
        except DriverError:  # the next look tries again; an operation that needs it says why it cannot be
            found = []
        self._next_users_look = now + (MISSING_SECONDS / 3 if self.joining.anyone_away else USERS_LOOK_SECONDS)
        return found

    def _concern(self, seen: frozenset[str], keys: Sequence[str]) -> bool:
        """Whether these are containers that gateways have to do with."""
        if not seen:
            return False
        concerned = self.joining.concerned(keys).values()
        return bool(concerned) and (ANY in seen or any(not seen.isdisjoint(identities) for identities in concerned))

    def _tend_own(self, keys: Sequence[str]) -> list[Revival | Retirement]:
        now = self.ground.clock.monotonic()
        told = self.watch is not None and self.watch.take()
        if not (keys or self.support.shared_by()):
            return []
        if not (told or now >= self._next_look or self._leaving(keys)):
            return []
        try:
            found = list(self._tend(keys))
        except SilentError:  # it is observed and said elsewhere that Docker does not answer
            found = []
        self._next_look = now + LOOK_SECONDS
        return found

    def _leaving(self, keys: Sequence[str]) -> bool:
        records = [self.parts(key)[0].read() for key in keys]
        return any(record.leaving(name) or record.retired for record in records for name in SlotName)

    def await_death(self, seconds: float) -> None:
        if not (self.folders.names() or self.support.shared_by()):
            self.ground.clock.pause(seconds)
            return
        if self.watch is None or not self.watch.is_alive():
            self.watch = EventWatch(self.ground.daemon, self.ground.names.installation)
            self.watch.start()
        self.watch.wait(seconds)

    # --- one look ----------------------------------------------------------------------------------------------------

    def _tend(self, keys: Sequence[str]) -> Iterator[Revival | Retirement]:
        there: dict[str, list[Container]] = {key: [] for key in keys}
        everything = self.ground.daemon.containers(f"{names.INSTALLATION}={self.ground.names.installation}")
        for container in everything:
            key = container.labels.get(names.GATEWAY, "")
            if key in there:
                there[key].append(container)
            elif key and container.labels.get(names.ROLE) != names.Role.TOOL and key not in self.folders.names():
                self.ground.daemon.remove(container.id)  # its gateway was removed by somebody who was killed
        for key in keys:
            yield from self._gateway(key, there[key])
        yield from self._services(everything)

    def _services(self, everything: Sequence[Container]) -> Iterator[Revival]:
        for name, container in self.support.fallen(everything):
            yield from self._revive(
                "",
                str(name),
                _why(container),
                partial(self.support.raise_again, name),
            )
        try:
            self.support.tell_changes(everything)
        except DriverError as error:
            if isinstance(error, SilentError):
                raise
            log.warning("Prometheus is not told what there is", reason=error.message)

    def _gateway(self, key: str, there: Sequence[Container]) -> Iterator[Revival | Retirement]:
        shelf, edges, slots = self.parts(key)
        record = shelf.read()
        by_number, at_port = by_revision(there), by_port(there)
        for name, slot in slots.items():
            current = record.current(name)
            if current is None or not record.slot(name).wanted:
                continue
            container = by_number.get(current.number)
            unit = str(name)
            if container is None or not container.running:
                yield from self._revive(key, unit, _why(container), partial(_raise_slot, slot, shelf))
            elif self._lost(f"{key} {unit}", container, current.address):
                why = "its Envoy had ended, and the controller does not start another"
                yield from self._revive(key, unit, why, partial(self.ground.daemon.restart, container.id))
        if record.edge.wanted:
            for port in record.edge.ports:
                container = at_port.get(port)
                if container is None or not container.running:
                    yield from self._revive(
                        key,
                        f"edge-{port}",
                        _why(container),
                        partial(_raise_edge, edges, shelf, port),
                    )
        yield from self._retire(key, shelf, slots, record)

    def _lost(self, unit: str, container: Container, address: str) -> bool:
        history, now = self.histories.setdefault(unit, _History()), self.ground.clock.monotonic()
        if reach.envoy(self.ground.reach, address).state():
            history.answered, history.silent_since = container.id, None
            return False
        if history.answered != container.id:
            return False  # it has only just been started
        history.silent_since = now if history.silent_since is None else history.silent_since
        return now - history.silent_since >= LOST_SECONDS

    def _revive(self, key: str, unit: str, reason: str, effect: Callable[[], None]) -> Iterator[Revival]:
        history, now = self.histories.setdefault(f"{key} {unit}", _History()), self.ground.clock.monotonic()
        if now < history.not_before:
            return
        if now - history.revived_at > STEADY_SECONDS:
            history.failures = 0
        history.failures += 1
        history.revived_at = now
        pause = FIRST_PAUSE_SECONDS * 2 ** (history.failures - 1)
        history.not_before = now + min(LONGEST_PAUSE_SECONDS, pause)
        history.answered, history.silent_since = "", None
        try:
            with self.folders.locked(key) if key else contextlib.nullcontext():
                effect()
        except DriverError as error:
            reason = f"{reason}; {error.message}"
        yield Revival(key=key, unit=unit, reason=reason, failures=history.failures)

    def _retire(
        self, key: str, shelf: Shelf, slots: Mapping[SlotName, SlotContainers], record: Record
    ) -> Iterator[Retirement]:
        if not record.retired and not any(record.leaving(name) for name in SlotName):
            return
        with self.folders.locked(key):
            for slot in slots.values():
                slot.configuring.succession.retire_left()
            retired = shelf.read().retired
            if retired:
                shelf.write(shelf.read().model_copy(update={"retired": ()}))
        for one in retired:
            yield Retirement(key=key, unit=f"{one.slot} {one.revision}", cut=one.cut)


def _raise_slot(slot: SlotContainers, shelf: Shelf) -> None:
    record = shelf.read()  # it may have been stopped or replaced since we looked
    current = record.current(slot.slot)
    if current is not None and record.slot(slot.slot).wanted:
        slot.revisions.raise_one(record, current)


def _raise_edge(edges: EdgeContainers, shelf: Shelf, port: int) -> None:
    record = shelf.read()
    if record.edge.wanted and port in record.edge.ports:
        edges.raise_edge(record, port, edges.there().get(port))


def _why(container: Container | None) -> str:
    return "its container had been removed" if container is None else f"its container was {container.state}"


class UsersNews:
    """What has happened to containers that are not EGX's, by what they are the same by."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._any = False

    def add(self, *identities: str) -> None:
        with self._lock:
            self._any = True
            if len(self._seen) < MOST_SEEN:
                self._seen.update(identities)
            else:
                self._seen.add(ANY)

    def take(self) -> frozenset[str]:
        """Who had news since the last time."""
        with self._lock:
            seen, self._seen = self._seen, set()
        return frozenset(seen)

    def take_any(self) -> bool:
        """Whether there was anything at all since the last time."""
        with self._lock:
            was, self._any = self._any, False
        return was


class EventWatch(threading.Thread):
    """Listens to the Engine, and says that there is news."""

    def __init__(self, daemon: Daemon, installation: str) -> None:
        super().__init__(name="docker-events", daemon=True)
        self.engine = daemon
        self.installation = installation
        self.of_users = UsersNews()
        self._news = threading.Event()
        self._woken = threading.Event()
        self._pause = threading.Event()

    def take(self) -> bool:
        """Whether something of EGX's own has happened since the last time."""
        was = self._news.is_set()
        self._news.clear()
        self._woken.clear()
        return was

    def wait(self, seconds: float) -> None:
        self._woken.wait(seconds)

    def run(self) -> None:
        filters = {"type": ["container", "network"], "event": sorted(NEWS | OF_USERS)}  # health checks tell a lot
        while True:
            try:
                for event in self.engine.events(filters, seconds=3600):
                    self._take_in(event)
            except DriverError:
                pass  # Docker does not answer; whoever asks it is told so
            self._news.set()  # whatever happened while nobody listened
            self.of_users.add(ANY)
            self._woken.set()
            self._pause.wait(1.0)

    def _take_in(self, event: Json) -> None:
        action, attributes = event.get("Action", "").split(":")[0], (event.get("Actor") or {}).get("Attributes") or {}
        if event.get("Type") == "network":
            if str(attributes.get("name", "")).startswith(f"egx-{self.installation}"):
                self.of_users.add(ANY)
                self._woken.set()
        elif names.INSTALLATION in attributes:
            if attributes[names.INSTALLATION] == self.installation and action in NEWS:
                self._news.set()
                self._woken.set()
        elif action in OF_USERS:
            # An event has labels and name as attributes.
            self.of_users.add(
                *(str(attributes.get(name, "")).lstrip("/") for name in ("name", "oldName")),
                f"{attributes.get(discovery.PROJECT, '')}/{attributes.get(discovery.SERVICE, '')}",
            )
            self._woken.set()
