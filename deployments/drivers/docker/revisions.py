"""The containers of one slot, one a revision: their files, their start, and what clients they have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from deployments.drivers.base import ConfigRejectedError, DriverError, FencedError, SlotName
from deployments.drivers.docker import addresses, containers, layout, names, reach, rendering
from deployments.drivers.docker.daemon import Container
from deployments.drivers.docker.ground import Ground
from deployments.drivers.docker.images import Fetched
from deployments.drivers.docker.records import Objects, Record, Revision, Shelf
from deployments.drivers.envoy.admin import Admin, AdminError
from gateways.spec.snapshot import GatewaySnapshot

CERTIFICATES_SECONDS = 60
NOT_FOR_CLIENTS = re.compile(rf"\.(admin|0\.0\.0\.0_({layout.MARKER_PORT}|19003))\.|worker_")


class Owned(Protocol):
    """Hold the gateway's lock, if this attempt still owns it."""

    def __call__(self) -> AbstractContextManager[None]: ...


@dataclass
class Revisions:
    ground: Ground
    shelf: Shelf
    key: str
    slot: SlotName
    before_start: Callable[[str], None]
    """Told the name of a container that is made and not started yet."""

    def there(self) -> dict[int, Container]:
        """The gateway's slot containers by revision."""
        return by_revision(
            self.ground.daemon.containers(
                f"{names.INSTALLATION}={self.ground.names.installation}", f"{names.GATEWAY}={self.key}"
            )
        )

    def name(self, record: Record, revision: Revision) -> str:
        return self.ground.names.slot(self.key, record.name, self.slot, revision.number)

    def container_name(self, revision: Revision) -> str:
        return self.name(self.shelf.read(), revision)

    def admin(self, revision: Revision) -> Admin:
        return reach.envoy(self.ground.reach, revision.address)

    def serves(self, revision: Revision, generation: int) -> bool:
        """Whether its Envoy answers with the configuration of this generation."""
        return reach.marker(self.ground.reach, revision.address) == (revision.number, generation)

    def connections(self, revision: Revision) -> int:
        """Clients' connections that are open; 0 where it does not answer."""
        try:
            found = self.admin(revision).stats(r"^listener\..*downstream_cx_active$")
        except AdminError:
            return 0
        return sum(value for name, value in found.items() if not NOT_FOR_CLIENTS.search(name))

    def render(self, snapshot: GatewaySnapshot, revision: Revision) -> Objects:
        return rendering.objects(
            snapshot, revision=revision.number, address=revision.address, options=self.ground.options
        )

    def new(
        self, record: Record, fetched: Fetched, generation: int, *, fence: int, before: int = 0
    ) -> tuple[Record, Revision]:
        subnet = self.ground.prepare()
        taken = {one.address for one in record.revisions.values()}
        revision = Revision(
            number=record.next_revision,
            slot=self.slot,
            engine=fetched.engine,
            envoy=fetched.envoy,
            address=addresses.free_address(record.block, taken, subnet),
            fence=fence,
            generation=generation,
            accepted=generation,
            before=before,
        )
        record = record.model_copy(update={"next_revision": record.next_revision + 1})
        return record.with_revision(revision), revision

    def raise_one(self, record: Record, revision: Revision) -> None:
        """Have its files and its container, and the container running. What is there already stays."""
        name = self.name(record, revision)
        found = self.ground.daemon.inspect(name)
        if found is not None and found["State"]["Running"]:
            return
        self.ground.prepare()
        self._have_files(revision)
        if found is None:
            spec = containers.slot(
                record,
                self.key,
                revision,
                place=self.ground.place,
                resources=self.ground.settings.resources,
                cpus=self.ground.daemon.cpus,
            )
            self.ground.daemon.create(name, spec)
        self.before_start(name)
        self.ground.daemon.start(name)

    def _have_files(self, revision: Revision) -> None:
        volume, home = self.ground.volume, layout.revision(self.key, revision.number)
        self.ground.images.put_envoy(revision.envoy, volume)
        volume.make(self.key, layout.conf(self.key), home, f"{home}/state", f"{home}/run")
        config = rendering.engine_config(
            key=self.key,
            revision=revision.number,
            address=revision.address,
            envoy_digest=revision.envoy.digest,
            log_level=self.ground.settings.log_level,
        )
        volume.write(home, {layout.ENGINE_CONFIG: config.encode()})
        self.write_objects(revision.number, self.shelf.objects(revision.number))
        if not volume.has(f"{layout.conf(self.key)}/certs/envoy-oidc-hmac/hmac-secret"):  # the last that it makes
            spec = containers.certificates(revision.engine.reference, self.key, place=self.ground.place)
            volume.remove(f"{layout.conf(self.key)}/certs")
            name = self.ground.names.tool(f"{self.key}-certificates")
            self.ground.daemon.run(name, spec, seconds=CERTIFICATES_SECONDS)

    def write_objects(self, number: int, objects: Objects) -> None:
        files = {layout.OBJECTS: rendering.file(objects)}
        self.ground.volume.write(layout.config(self.key, number), files, mode=0o600)

    def remove(self, numbers: Iterable[int], there: Mapping[int, Container]) -> None:
        """Containers and files of revisions that the record does not have any more; and those of nobody."""
        known = set(self.shelf.read().revisions)
        strays = {number for number in there if number not in known and there[number].labels[names.SLOT] == self.slot}
        for number in {*numbers, *strays}:
            if number in there:
                self.ground.daemon.remove(there[number].id)
            self.ground.volume.remove(layout.revision(self.key, number))
            self.shelf.forget(number)

    def require_wanted(self, record: Record) -> Revision:
        """The current revision. Raises DriverError where the slot is not meant to run."""
        current = record.current(self.slot)
        if current is None or not record.slot(self.slot).wanted:
            raise DriverError(f"slot {self.slot} does not run")
        return current

    def note(self, revision: Revision, **changes: int) -> Revision:
        revision = revision.model_copy(update=changes)
        self.shelf.write(self.shelf.read().with_revision(revision))
        return revision

    def refuse(self, generation: int) -> None:
        record = self.shelf.read()
        newest = max(generation, record.slot(self.slot).refused)
        self.shelf.write(record.with_slot(self.slot, refused=newest))

    def refuse_stale(self, record: Record, current: Revision, generation: int) -> None:
        refused = record.slot(self.slot).refused
        newest = max(current.generation, refused)
        if generation < newest:
            raise FencedError(f"slot {self.slot} has seen generation {newest}")
        if generation == refused:
            raise ConfigRejectedError(f"generation {refused} was taken back from slot {self.slot} before")


@dataclass
class SlotPart:
    """What is done to the revisions of one slot."""

    revisions: Revisions

    @property
    def ground(self) -> Ground:
        return self.revisions.ground

    @property
    def shelf(self) -> Shelf:
        return self.revisions.shelf

    @property
    def slot(self) -> SlotName:
        return self.revisions.slot


def by_revision(found: Iterable[Container]) -> dict[int, Container]:
    return {int(one.labels[names.REVISION]): one for one in found if names.REVISION in one.labels}
