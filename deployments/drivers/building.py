"""What a builder of images does: a recipe in, an image out. Plain Python; no Django."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from deployments.drivers.base import DriverError, Scope
from deployments.drivers.sources import Source

Method = Literal["buildkit", "classic"]
Watch = Callable[[int, str], None]
"""Told every fraction of a second how long the log is and its last line; what it raises ends the work."""

METHODS: Mapping[str, str] = {
    "buildkit": "BuildKit (docker buildx)",
    "classic": "the Engine's classic builder, as there is no buildx",
}


class BuildError(DriverError):
    """The build itself failed, as its log says."""

    title = "The build failed"


@dataclass(frozen=True)
class BuildObservation:
    key: str
    method: Method
    version: str = ""
    """Of the Engine."""
    platform: str = ""
    """What the Engine builds for by itself."""
    many_platforms: bool = False
    """Whether its image store can hold an image of several."""


@dataclass(frozen=True)
class Checkout:
    """A source as a folder of this host."""

    folder: str
    commit: str = ""
    """Empty where there is no Git."""
    modified: bool = False
    """The folder differs from the commit."""


@dataclass(frozen=True)
class Recipe:
    folder: str
    dockerfile: str
    """Relative to the folder."""
    method: Method
    platforms: tuple[str, ...] = ()
    """None: what the Engine is."""
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Image:
    id: str
    size: int
    """Bytes, unpacked."""
    platform: str
    labels: Mapping[str, str] = field(default_factory=dict)


class Builder(Protocol):
    """One place where images are built. Every effect is idempotent, and whole or absent after a kill at any point.

    An image that is being built has a name of its own, made of the build's key, until `tag` gives it the one that was
    asked for. Effects raise FencedError once a newer attempt has called `fence`.
    """

    kind: str

    def observe(self, key: str) -> BuildObservation: ...

    def fence(self, scope: Scope) -> None:
        """From now on only this attempt, or a newer one, has effects."""
        ...

    def fetch(self, scope: Scope, source: Source, commit: str, watch: Watch) -> Checkout:
        """Have the source here as a folder; of a repository this commit, or, where it is empty, the newest."""
        ...

    def build(self, scope: Scope, recipe: Recipe, watch: Watch) -> Image:
        """Build it under the build's own name; what an attempt that died has left running is ended first.

        Raises BuildError with the log's last words.
        """
        ...

    def image(self, name: str) -> Image | None:
        """What has the name or the id now."""
        ...

    def tag(self, scope: Scope, image: str, name: str) -> None:
        """Give the image the name, and take the build's own from it; the checkout is not needed any more."""
        ...

    def untag(self, scope: Scope, image: str, name: str, before: str) -> None:
        """If the image has the name, give that back to what had it before, or to nothing."""
        ...

    def published(self, name: str) -> str:
        """The digest that the registry has under the name; empty where it has none, or tells nobody."""
        ...

    def push(self, scope: Scope, name: str, watch: Watch) -> str:
        """Put the image into the registry that its name says: layers first, the tag last; its digest there."""
        ...

    def discard(self, scope: Scope, image: str = "") -> None:
        """End what still builds, and remove the checkout, the build's own name and the image, if nothing else has it.
        The log stays."""
        ...

    def keep_only(self, keys: Iterable[str]) -> None:
        """Forget the logs of all other builds."""
        ...
