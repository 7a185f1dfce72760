"""A repository of images as a channel: its tags of versions are the releases, and a digest pins each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from deployments.drivers.base import Artifact
from deployments.drivers.logins import Source
from egx_project.lib.clock import Clock
from egx_project.lib.fetch import FetchError, Politeness
from egx_project.lib.images import ImageName
from updates.channels.base import ChannelError, Listing, Offer, Sighting
from updates.channels.oci import manifests, memory
from updates.channels.oci.client import BusyError, NotThereError, Registry
from updates.channels.oci.manifests import ManifestError
from updates.channels.oci.memory import KnownTag, Memory
from updates.channels.oci.signatures import Key, Verdict, examine
from updates.compat import LEAST, Version, parse

TAG = re.compile(r"v(?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?)")
LONGEST_VERSION = 40
NEW_AT_ONCE = 100
"""Tags whose digest one check asks for the first time, newest first."""
AGAIN_AT_ONCE = 20
"""Known tags that one check looks at again, those first that were looked at longest ago: has one moved?"""
AHEAD = 3
"""Newest releases of which a check finds out whether they are for this platform, and how large."""
LONGEST = 60.0
"""Seconds after which a check asks for nothing more."""
FEW_LEFT = 10
"""Requests left with which a check ends."""
LATER = timedelta(hours=1)
"""How long a registry is left alone that does not say for how long."""
LONGEST_LATER = timedelta(days=1)
Seen = list[Sighting]
POLITENESS = Politeness(tries=3, deadline=20.0, read=20.0)
"""A check is repeated soon: it does not wait long for a registry that is busy."""


class RegistryChannel:
    """Keeps what the registry has said in `cache`, for when it cannot be asked."""

    def __init__(
        self,
        name: str,
        *,
        image: ImageName,
        login: Source,
        cache: Path,
        clock: Clock,
        architecture: str = "",
        notes_url: str = "",
        politeness: Politeness | None = None,
    ) -> None:
        self.name = name
        self.image = image
        self.architecture = architecture or manifests.architecture()
        self._login = login
        self._cache = cache
        self._clock = clock
        self._notes_url = notes_url
        self._politeness = politeness or POLITENESS

    def list(self) -> Listing:
        known = memory.load(self._cache, self.image.name)
        waits = self._waits(known)
        if waits:
            return self._stale(known, waits)
        seen: Seen = []
        try:
            with self._registry() as registry:
                problem = self._learn(registry, known, seen)
        except FetchError as error:
            self._remember_patience(known, error)
            return self._stale(known, str(error), cause=error, seen=seen)
        memory.keep(self._cache, known)
        return self._listing(known, problem=problem, seen=seen)

    def describe(self, version: str) -> Offer:
        """As the registry has it now; as it was last known where the registry cannot be asked."""
        known = memory.load(self._cache, self.image.name)
        tag = f"v{version}"
        if not TAG.fullmatch(tag):
            raise self._without(version)
        try:
            self._ask_for(known, tag)
        except NotThereError as error:
            raise self._without(version) from error
        except FetchError as error:
            self._remember_patience(known, error)
            if tag not in known.tags or isinstance(error, ManifestError):
                raise ChannelError(f"channel {self.name}: {error.message}", hint=error.hint) from error
        else:
            memory.keep(self._cache, known)
        return self._offer(known, tag)

    def resolve(self, version: str) -> Artifact:
        artifact = self.describe(version).artifact
        if artifact is None:
            raise ChannelError(
                f"channel {self.name} has no {version} for linux/{self.architecture}",
                hint="`egx get releases` lists what it has for this platform",
            )
        return artifact

    def sizes(self, digest: str) -> dict[str, int]:
        """By architecture, what is pulled for it of the image with this digest. Raises FetchError."""
        known = memory.load(self._cache, self.image.name)
        if known.sizes_of(digest) is None:
            with self._registry() as registry:
                self._measure(registry, known, digest)
            memory.keep(self._cache, known)
        return known.sizes[digest]

    def verdict(self, digest: str, *, key: Key | None) -> Verdict:
        """What is to be said of the signatures of the image with this digest. Raises FetchError."""
        with self._registry() as registry:
            return examine(registry, digest, key=key)

    def _registry(self) -> Registry:
        return Registry(self.image, login=self._login, clock=self._clock, politeness=self._politeness)

    # --- asking ----------------------------------------------------------------------------------------------------

    def _ask_for(self, known: Memory, tag: str) -> None:
        """All about one tag."""
        waits = self._waits(known)
        if waits:
            raise FetchError(waits)
        with self._registry() as registry:
            self._look(registry, known, tag, [])
            self._measure(registry, known, known.tags[tag].digest)

    def _learn(self, registry: Registry, known: Memory, seen: Seen) -> str:
        """Ask for what is not known yet, and for some of the rest again; the answer is why that ended early."""
        page = registry.tags(etag=known.etag)
        if page is not None:
            released = {tag for tag in page.tags if _version(tag)}
            known.tags = {tag: one for tag, one in known.tags.items() if tag in released}
            known.etag = page.etag
            new = sorted(released - set(known.tags), key=_order, reverse=True)
        else:
            new = []
        known.fetched_at, known.not_before = self._clock.now().isoformat(), ""
        longest_ago = sorted(known.tags, key=lambda tag: known.tags[tag].seen_at)
        try:
            trouble = self._look_at([*new[:NEW_AT_ONCE], *longest_ago[:AGAIN_AT_ONCE]], registry, known, seen)
            self._look_ahead(registry, known)
        except BusyError as error:
            self._remember_patience(known, error)
            trouble = str(error)
        if not set(new) <= set(known.tags):
            known.etag = ""  # or the rest would never be asked for
        return self._few_left(registry) or trouble

    def _look_at(self, tags: Sequence[str], registry: Registry, known: Memory, seen: Seen) -> str:
        """At each, as long as the registry lets; the answer is what is wrong with one of them."""
        trouble, until = "", self._clock.monotonic() + LONGEST
        for tag in tags:
            if self._clock.monotonic() > until:
                return trouble or f"{self.image.registry} is slow; the rest is asked at a later check"
            try:
                self._look(registry, known, tag, seen)
            except NotThereError:
                continue
            except ManifestError as error:
                trouble = str(error)
            if self._few_left(registry):
                break
        return trouble

    def _look(self, registry: Registry, known: Memory, tag: str, seen: Seen) -> None:
        """Where the tag points now. One that the registry has lost since is forgotten."""
        before = known.tags.get(tag)
        try:
            head = registry.head(tag, etag=before.etag if before else "")
        except NotThereError:
            known.tags.pop(tag, None)
            raise
        now = self._clock.now().isoformat()
        if head is not None:
            known.tags[tag] = KnownTag(digest=head.digest, etag=head.etag, seen_at=now)
        else:
            known.tags[tag].seen_at = now
        seen.append(Sighting(repository=self.image.name, tag=tag, digest=known.tags[tag].digest))

    def _look_ahead(self, registry: Registry, known: Memory) -> None:
        versions = [tag for tag in sorted(known.tags, key=_order, reverse=True) if not _is_prerelease(tag)]
        for tag in versions[:AHEAD]:
            if self._few_left(registry):
                return
            try:
                self._measure(registry, known, known.tags[tag].digest)
            except ManifestError:
                continue  # one bad image does not hide the others; asked for, it says what is wrong

    def _measure(self, registry: Registry, known: Memory, digest: str) -> None:
        if known.sizes_of(digest) is not None:
            return
        found = registry.manifest(digest)
        if found.config is None:  # an index
            own = manifests.of_platform(found, self.architecture)
            others = {entry.architecture: 0 for entry in found.entries if entry.os == "linux" and entry.architecture}
            measured = {self.architecture: registry.manifest(own.digest).size} if own else {}
            known.sizes[digest] = {**others, **measured}
            return
        config = manifests.parse(registry.blob(found.config.digest), what=f"the config of {self.image.pinned(digest)}")
        linux = config.get("os") == "linux"
        known.sizes[digest] = {str(config.get("architecture")): found.size} if linux else {}

    def _few_left(self, registry: Registry) -> str:
        if registry.remaining is None or registry.remaining >= FEW_LEFT:
            return ""
        return (
            f"{self.image.registry} lets EGX ask only {registry.remaining} times more for now; the rest is asked at a "
            "later check (with a login more is allowed, see `egx registry login`)"
        )

    def _remember_patience(self, known: Memory, error: FetchError) -> None:
        if isinstance(error, BusyError):
            pause = min(timedelta(seconds=error.after) or LATER, LONGEST_LATER)
            known.not_before = (self._clock.now() + pause).isoformat()
            memory.keep(self._cache, known)

    def _waits(self, known: Memory) -> str:
        if not known.not_before or self._clock.now() >= datetime.fromisoformat(known.not_before):
            return ""
        until = datetime.fromisoformat(known.not_before)
        return f"{self.image.registry} wants to be left alone until {until:%Y-%m-%d %H:%M} UTC"

    # --- answering -------------------------------------------------------------------------------------------------

    def _stale(
        self, known: Memory, problem: str, *, cause: FetchError | None = None, seen: Seen | None = None
    ) -> Listing:
        if not known.fetched_at:
            hint = cause.hint if cause else "nothing is known of it yet; what is installed can be used"
            raise ChannelError(f"channel {self.name}: {cause.message if cause else problem}", hint=hint) from cause
        return self._listing(known, problem=problem, seen=seen or [])

    def _listing(self, known: Memory, *, problem: str, seen: Seen) -> Listing:
        tags = sorted(known.tags, key=_order, reverse=True)
        offers = tuple(self._offer(known, tag) for tag in tags)
        return Listing(offers=offers, fetched_at=known.answered_at, problem=problem, sightings=tuple(seen))

    def _offer(self, known: Memory, tag: str) -> Offer:
        version, digest = tag.removeprefix("v"), known.tags[tag].digest
        sizes = known.sizes_of(digest)
        fits = sizes is None or self.architecture in sizes
        artifact = Artifact(
            url=self.image.tagged(tag).url,
            sha256=digest.removeprefix("sha256:"),
            size=(sizes or {}).get(self.architecture, 0),
        )
        return Offer(
            version=version,
            notes_url=self._notes_url.format(version=version),
            artifact=artifact if fits else None,
        )

    def _without(self, version: str) -> ChannelError:
        return ChannelError(f"channel {self.name} has no {version}", hint="`egx get releases` lists what it has")


def _version(tag: str) -> str:
    """Of a tag that is one; empty for all others."""
    found = TAG.fullmatch(tag)
    fits = found and len(found["version"]) <= LONGEST_VERSION and parse(found["version"])
    return found["version"] if found and fits else ""


def _order(tag: str) -> Version:
    return parse(tag) or LEAST


def _is_prerelease(tag: str) -> bool:
    found = parse(tag)
    return found is None or found.is_prerelease
