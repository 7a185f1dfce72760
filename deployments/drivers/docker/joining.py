"""The users' containers in EGX's network: joined before a route needs them, left when none does any more.

They are in a network of their own (`containers.backends` says why), in which the slots of gateways that need it are,
too. Nothing else of them is changed, and they are never restarted. What is meant is in the gateway's record before it
is done; a look puts right what is not so, as after a kill or where a container was made anew.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployments.drivers.base import ContainerNews, DriverError
from deployments.drivers.docker import discovery, names
from deployments.drivers.docker.api.connection import Json
from deployments.drivers.docker.api.errors import DaemonError
from deployments.drivers.docker.ground import Ground
from deployments.drivers.docker.records import Record, Shelf
from deployments.drivers.folders import Folders
from deployments.drivers.joining import ContainerError, Joined
from gateways.spec.containers import CONTAINER_ANNOTATION, DOMAIN, alias_of

MISSING_SECONDS = 15.0
"""A container that is made anew is away for a moment; one that is away for so long is said to be missing."""
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
GONE = frozenset({"removing", "dead"})


@dataclass
class _History:
    away_since: float | None = None
    failures: int = 0
    not_before: float = 0.0
    joined_at: float = float("-inf")
    told: str = ""
    """Why it could not be joined, as it was said already."""


class Joining:
    def __init__(self, ground: Ground, folders: Folders, shelf: Callable[[str], Shelf]) -> None:
        self.ground = ground
        self.folders = folders
        self.shelf = shelf
        self.histories: dict[tuple[str, str], _History] = {}
        self._swept = False

    @property
    def anyone_away(self) -> bool:
        """Whether somebody is looked for."""
        return any(found.away_since is not None or found.failures > 1 for found in self.histories.values())

    # --- under the gateway's lock ------------------------------------------------------------------------------------

    def join(self, key: str, identities: Iterable[str], *, strict: bool = True) -> Joined:
        """Have these in the network, and the gateway's slots with them. Not `strict`: a later look does the rest."""
        wanted = sorted(set(identities))
        if not wanted:
            return Joined(containers=(), missing=())
        network = self.ground.have_backends()
        shelf, found, missing = self.shelf(key), [], []
        with self.ground.locked():
            shelf.write(shelf.read().with_joins(wanted, wanted=True))
            self._have_slots(key, network)
            for identity in wanted:
                there = self._there(identity)
                if not there:
                    missing.append(identity)
                for one in there:
                    try:
                        self._connect(identity, one, network)
                    except DriverError:
                        if strict:
                            raise
                found += [discovery.name_of(one) for one in there]
        return Joined(containers=tuple(sorted(found)), missing=tuple(missing))

    def leave(self, key: str, identities: Iterable[str]) -> None:
        """The gateway does not want them; who is still named by an engine that runs stays until that has gone."""
        shelf = self.shelf(key)
        record = shelf.read()
        unwanted = [identity for identity in identities if identity in record.joins]
        shelf.write(record.with_joins(unwanted, wanted=False))
        with contextlib.suppress(DriverError):  # it is written down: a later look does the rest
            self._leave_unneeded(key)

    def leave_all(self, key: str) -> None:
        """The gateway is gone, or goes."""
        shelf = self.shelf(key)
        record = shelf.read()
        if record.joins:
            shelf.write(record.with_joins(record.joins, wanted=False))
            self._leave(key, shelf.read().joins)

    def have(self, key: str, identities: Sequence[str]) -> None:
        """For what is configured without a plan of its own that joins: a restore, an update, a revert."""
        if set(identities) - set(self.shelf(key).read().joined):
            self.join(key, identities, strict=False)

    def want_only(self, key: str, identities: Iterable[str]) -> None:
        """What the gateway's newest configuration needs; the rest leaves when it may."""
        shelf = self.shelf(key)
        record = shelf.read()
        unwanted = set(record.joined) - set(identities)
        if unwanted:
            shelf.write(record.with_joins(unwanted, wanted=False))

    def joined_slots(self, key: str, container: str) -> None:
        """A slot's new container, before it is started."""
        if self.needed(key):
            self.ground.daemon.connect(container, self.ground.have_backends())

    # --- looking -----------------------------------------------------------------------------------------------------

    def needed(self, key: str) -> set[str]:
        """What is wanted, or named by an engine that runs."""
        shelf = self.shelf(key)
        record = shelf.read()
        return set(record.joined) | _named(shelf, record)

    def concerned(self, keys: Iterable[str]) -> dict[str, set[str]]:
        """Which identities each gateway has to do with; without those that have none."""
        found = {key: self.needed(key) | set(self.shelf(key).read().joins) for key in keys}
        return {key: identities for key, identities in found.items() if identities}

    def tend(self, keys: Sequence[str]) -> Iterator[ContainerNews]:
        """Put right what is not as it should be. What is in the network and belongs to no gateway's leaves."""
        concerned = self.concerned(keys)
        self._forget_others(concerned)
        if not concerned and self._swept:
            return
        network = self.ground.have_backends() if concerned else self.ground.names.backends
        for key in concerned:
            with self.folders.locked(key):
                gone = self._leave_unneeded(key)
                with self.ground.locked():
                    self._have_slots(key, network)
                    news = [found for one in sorted(self.needed(key)) for found in self._look(key, one, network)]
            yield from (ContainerNews(key, one, "left", "nothing routes to it any more") for one in gone)
            yield from news
        with self.ground.locked():
            self._leave_strays(network)
        self._swept = True

    def _forget_others(self, concerned: Mapping[str, set[str]]) -> None:
        self.histories = {
            (key, identity): history
            for (key, identity), history in self.histories.items()
            if identity in concerned.get(key, ())
        }

    def _look(self, key: str, identity: str, network: str) -> Iterator[ContainerNews]:
        history, now = self.histories.setdefault((key, identity), _History()), self.ground.clock.monotonic()
        there = self._there(identity)
        if not there:
            yield from self._miss(key, identity, history, now)
            return
        history.away_since = None
        outside = [one for one in there if network not in discovery.networks_of(one)]
        if not outside or now < history.not_before:
            return
        history.failures = history.failures + 1 if now - history.joined_at < LONGEST_PAUSE_SECONDS else 1
        pause = FIRST_PAUSE_SECONDS * 2 ** min(history.failures - 1, 10)
        history.joined_at, history.not_before = now, now + min(LONGEST_PAUSE_SECONDS, pause)
        try:
            for one in outside:
                self._connect(identity, one, network)
        except DriverError as error:
            if error.message != history.told:
                history.told = error.message
                yield ContainerNews(key, identity, "stuck", error.message)
            return
        history.told = ""
        self._note(key, identity, missing=False)
        listed = ", ".join(sorted(discovery.name_of(one) for one in outside))
        yield ContainerNews(key, identity, "joined", f"{listed} was not in EGX's network")

    def _miss(self, key: str, identity: str, history: _History, now: float) -> Iterator[ContainerNews]:
        history.away_since = now if history.away_since is None else history.away_since
        join = self.shelf(key).read().joins.get(identity)
        if now - history.away_since < MISSING_SECONDS or (join and join.missing):
            return
        self._note(key, identity, missing=True)
        yield ContainerNews(
            key, identity, "missing", "there is no such container; it is joined again as soon as there is one"
        )

    def _note(self, key: str, identity: str, **changes: Any) -> None:
        shelf = self.shelf(key)
        record = shelf.read()
        named = _named(shelf, record)
        if identity in record.joins or identity in named:
            wanted = identity in record.joined
            shelf.write(record.with_joins([identity], **{"wanted": wanted, **changes}))

    # --- effects -----------------------------------------------------------------------------------------------------

    def _there(self, identity: str) -> list[Json]:
        """The containers that the identity means, running or not."""
        project, slash, name = identity.rpartition("/")
        if slash:
            labels = [f"{discovery.PROJECT}={project}", f"{discovery.SERVICE}={name}"]
            found = self.ground.daemon.listed(label=labels)
        else:
            found = self.ground.daemon.listed(name=[name])  # also where it is a part of the name
        return [
            one
            for one in found
            if discovery.identity_of(one) == identity or (not slash and discovery.name_of(one) == name)
            if one.get("State") not in GONE and names.INSTALLATION not in (one.get("Labels") or {})
        ]

    def _connect(self, identity: str, one: Json, network: str) -> None:
        name, alias = discovery.name_of(one), alias_of(identity)
        obstacle = discovery.obstacle_of(one)
        if obstacle:
            raise ContainerError(f"container {name} cannot join EGX's network: {obstacle}")
        if network not in discovery.networks_of(one):
            try:
                self.ground.daemon.connect(one["Id"], network, aliases=[alias])
            except DaemonError as error:
                if "No such container" not in error.message:  # it went while we looked; the next one is joined
                    raise
        elif alias not in self._aliases(one["Id"], network):
            raise ContainerError(
                f"container {name} is in network {network} already, and not by EGX",
                hint=f"`docker network disconnect {network} {name}`, then try again",
            )

    def _aliases(self, container: str, network: str) -> list[str]:
        found = self.ground.daemon.inspect(container) or {}
        networks = (found.get("NetworkSettings") or {}).get("Networks") or {}
        return list((networks.get(network) or {}).get("Aliases") or ())

    def _have_slots(self, key: str, network: str) -> None:
        """The gateway's engines in the network as well; nothing of theirs is disturbed by it."""
        own = [f"{names.INSTALLATION}={self.ground.names.installation}", f"{names.GATEWAY}={key}"]
        for one in self.ground.daemon.listed(label=[*own, f"{names.ROLE}={names.Role.SLOT}"]):
            if network not in discovery.networks_of(one) and one.get("State") not in GONE:
                self.ground.daemon.connect(one["Id"], network)

    def _leave_unneeded(self, key: str) -> list[str]:
        record, needed = self.shelf(key).read(), self.needed(key)
        gone = sorted(set(record.joins) - needed)
        if gone:
            self._leave(key, gone)
        return gone

    def _leave(self, key: str, identities: Iterable[str]) -> None:
        """Out of the network, unless another gateway is in need of them; and then out of the record."""
        gone, network, shelf = sorted(identities), self.ground.names.backends, self.shelf(key)
        with self.ground.locked():
            others = {one for other in self.folders.names() if other != key for one in self.needed(other)}
            aliases = {alias_of(identity) for identity in gone if identity not in others}
            if aliases:
                self._disconnect(network, lambda found: bool(aliases.intersection(found)))
            shelf.write(shelf.read().without_joins(gone))

    def _leave_strays(self, network: str) -> None:
        kept = {alias_of(one) for key in self.folders.names() for one in self.concerned([key]).get(key, ())}
        own = f".{DOMAIN}"
        self._disconnect(network, lambda found: any(one.endswith(own) and one not in kept for one in found))

    def _disconnect(self, network: str, which: Callable[[Sequence[str]], bool]) -> None:
        """By the aliases that EGX gave them, whatever they are called by now."""
        if self.ground.daemon.network(network) is None:
            return
        for one in self.ground.daemon.listed(network=[network]):
            own = names.INSTALLATION in (one.get("Labels") or {})
            if not own and network in discovery.networks_of(one) and which(self._aliases(one["Id"], network)):
                self.ground.daemon.disconnect(one["Id"], network)


def _named(shelf: Shelf, record: Record) -> set[str]:
    """What the configurations of engines that run say."""
    found = set()
    for revision in record.running:
        for item in shelf.objects(revision.number):
            identity = item["metadata"].get("annotations", {}).get(CONTAINER_ANNOTATION, "")
            if identity and item["kind"] == "Backend":
                found.add(identity)
    return found
