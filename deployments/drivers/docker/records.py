"""What is meant to be on the Docker Engine for one gateway, written before it is made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from deployments.drivers.base import Engine, SlotName
from egx_project.lib import atomic


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Image(_Record):
    """What a container is made of: by digest, so that a moved tag changes nothing."""

    reference: str
    """What the Engine is told to run: an image id, which cannot move."""
    version: str
    digest: str


class Revision(_Record):
    """One container of a slot: an engine with one configuration, which may change in place."""

    number: int
    slot: SlotName
    engine: Image
    envoy: Image
    address: str
    fence: int
    generation: int
    """Of the configuration that it has or is getting; behind `accepted` only while one is taken back."""
    accepted: int
    """The newest generation that it has been seen to hold."""
    verified: int = 0
    """The newest generation of which the engine's own dump and statuses were seen to be as meant."""
    before: int = 0
    """The generation that the slot had accepted before, whose objects are kept; 0: none."""
    leaving_until: datetime | None = None
    """Another revision has taken over; who is still here then is cut, and counted."""


class SlotRecord(_Record):
    current: int = 0
    """The number of its revision; 0: none."""
    coming: int = 0
    """The revision that is to take over."""
    wanted: bool = False
    """Meant to run."""
    refused: int = 0
    """The newest generation that was taken back."""


class EdgeRecord(_Record):
    wanted: bool = False
    ports: tuple[int, ...] = ()
    generation: int = 0
    serving: SlotName | None = None
    leaving: tuple[int, ...] = ()
    """Numbers of revisions that had traffic and may still have connections."""
    envoy: Image | None = None


class Retired(_Record):
    """An old revision that was taken away."""

    slot: SlotName
    revision: int
    cut: int
    """Connections that had not ended."""


class Join(_Record):
    """A container of the user that is, or is to be, in EGX's network."""

    wanted: bool = True
    """By what is desired. Where it is not, an engine that runs may still name it."""
    missing: bool = False
    """It was told that there is no such container."""


class Record(_Record):
    name: str = ""
    """The gateway, as people write it."""
    block: int = 0
    """Which addresses of the network are its own; 0: none yet."""
    next_revision: int = 1
    slots: dict[SlotName, SlotRecord] = {}
    revisions: dict[int, Revision] = {}
    edge: EdgeRecord = EdgeRecord()
    retired: tuple[Retired, ...] = ()
    """Not told to anybody yet."""
    joins: dict[str, Join] = {}
    """By identity (`gateways/spec/containers.py`)."""

    def slot(self, name: SlotName) -> SlotRecord:
        return self.slots.get(name, SlotRecord())

    def current(self, name: SlotName) -> Revision | None:
        return self.revisions.get(self.slot(name).current)

    def coming(self, name: SlotName) -> Revision | None:
        return self.revisions.get(self.slot(name).coming)

    def leaving(self, name: SlotName) -> list[Revision]:
        kept = {self.slot(name).current, self.slot(name).coming}
        return [found for found in self.revisions.values() if found.slot == name and found.number not in kept]

    @property
    def serving(self) -> Revision | None:
        return self.current(self.edge.serving) if self.edge.serving else None

    def with_slot(self, name: SlotName, **changes: Any) -> Record:
        return self.model_copy(update={"slots": {**self.slots, name: self.slot(name).model_copy(update=changes)}})

    def with_revision(self, revision: Revision) -> Record:
        return self.model_copy(update={"revisions": {**self.revisions, revision.number: revision}})

    def without_revisions(self, numbers: Iterable[int]) -> Record:
        gone = set(numbers)
        edge = self.edge.model_copy(update={"leaving": tuple(n for n in self.edge.leaving if n not in gone)})
        left = {number: found for number, found in self.revisions.items() if number not in gone}
        return self.model_copy(update={"revisions": left, "edge": edge})

    @property
    def joined(self) -> tuple[str, ...]:
        """What is desired, without what only leaves later."""
        return tuple(sorted(identity for identity, join in self.joins.items() if join.wanted))

    def with_joins(self, identities: Iterable[str], **changes: Any) -> Record:
        """With these changes to the joins, which are made where there are none."""
        changed = {one: self.joins.get(one, Join()).model_copy(update=changes) for one in identities}
        return self.model_copy(update={"joins": {**self.joins, **changed}})

    def without_joins(self, identities: Iterable[str]) -> Record:
        gone = set(identities)
        return self.model_copy(update={"joins": {one: join for one, join in self.joins.items() if one not in gone}})

    @property
    def running(self) -> list[Revision]:
        """Revisions that have traffic, or may get some."""
        stopped = {slot.current for slot in self.slots.values() if not slot.wanted}
        return [found for number, found in self.revisions.items() if number not in stopped]

    def with_edge(self, **changes: Any) -> Record:
        return self.model_copy(update={"edge": self.edge.model_copy(update=changes)})


def engine_of(revision: Revision) -> Engine:
    return Engine(version=revision.engine.version, digest=revision.engine.digest)


Objects = list[dict[str, Any]]


class Shelf:
    """The records of one gateway, in its folder on this host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self) -> Record:
        try:
            return Record.model_validate_json((self.folder / "record.json").read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return Record()

    def write(self, record: Record) -> None:
        atomic.write_bytes(self.folder / "record.json", record.model_dump_json(indent=1).encode())

    def objects(self, revision: int) -> Objects:
        """What the revision's engine was last told."""
        return list(atomic.read_json(self._objects(revision)) or [])

    def before(self, revision: int) -> Objects:
        """What it had accepted before that."""
        return list(atomic.read_json(self._before(revision)) or [])

    def write_objects(self, revision: int, objects: Objects) -> None:
        atomic.write_json(self._objects(revision), objects)

    def keep_before(self, revision: int, objects: Objects) -> None:
        atomic.write_json(self._before(revision), objects)

    def forget(self, revision: int) -> None:
        self._objects(revision).unlink(missing_ok=True)
        self._before(revision).unlink(missing_ok=True)

    def _objects(self, revision: int) -> Path:
        return self.folder / f"objects-{revision}.json"

    def _before(self, revision: int) -> Path:
        return self.folder / f"before-{revision}.json"
