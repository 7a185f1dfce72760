"""What a channel of releases does: say what there is. Plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol

from deployments.drivers.base import Artifact
from egx_project.lib.errors import EgxError


class ChannelError(EgxError):
    """The channel cannot be asked, or does not have it."""

    status: ClassVar[int] = 502
    exit_code: ClassVar[int] = 3
    title: ClassVar[str] = "The channel cannot say"


@dataclass(frozen=True)
class Offer:
    version: str
    published_at: datetime | None = None
    yanked: bool = False
    """Taken back by its publisher."""
    notes: str = ""
    notes_url: str = ""
    artifact: Artifact | None = None
    """None: there is nothing for this platform."""


@dataclass(frozen=True)
class Sighting:
    """Where a tag pointed when the channel was asked just now."""

    repository: str
    tag: str
    digest: str


@dataclass(frozen=True)
class Listing:
    offers: Sequence[Offer] = field(default_factory=tuple)
    """Newest version first."""
    fetched_at: datetime | None = None
    """As of when this is known."""
    problem: str = ""
    """Why the channel could not be asked just now; the offers are then the last known ones."""
    sightings: Sequence[Sighting] = field(default_factory=tuple)
    """Of a channel whose versions are tags, what was seen of them just now."""


class Channel(Protocol):
    name: str

    def list(self) -> Listing:
        """All there is. Raises ChannelError where nothing is known at all."""
        ...

    def describe(self, version: str) -> Offer:
        """Raises ChannelError for a version that the channel does not have."""
        ...

    def resolve(self, version: str) -> Artifact:
        """Where the version's bytes are, and their digest. Raises ChannelError where this platform has none."""
        ...
