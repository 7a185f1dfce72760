"""A gateway's edges: one container for each published port, since a container's ports cannot change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deployments.drivers.base import DriverError, EdgeObservation, FencedError, SlotName, Traffic
from deployments.drivers.docker import containers, layout, names, reach
from deployments.drivers.docker.api.errors import DaemonError
from deployments.drivers.docker.daemon import Container
from deployments.drivers.docker.ground import Ground
from deployments.drivers.docker.ports import why_not_published
from deployments.drivers.docker.records import Image, Record, Shelf
from deployments.drivers.envoy import edge as xds
from deployments.drivers.envoy.admin import Admin, AdminError
from deployments.drivers.envoy.traffic import EDGE_STATS, add, edge_traffic
from egx_project.lib.clock import wait_for

START_SECONDS = 15.0
READ_BACK_SECONDS = 5.0
DRAIN_SECONDS = 5.0
"""How long connections of a port that is taken away may stay."""
Config = dict[str, Any]


class EdgeContainers:
    def __init__(self, ground: Ground, shelf: Shelf, key: str) -> None:
        self.ground = ground
        self.shelf = shelf
        self.key = key

    # --- looking -----------------------------------------------------------------------------------------------------

    def observe(self, record: Record, there: Mapping[int, Container]) -> EdgeObservation:
        """`there`: the gateway's edge containers by port."""
        edge = record.edge
        if not edge.wanted:
            return EdgeObservation(generation=edge.generation)
        listening = tuple(port for port in edge.ports if self._answers(there.get(port)))
        return EdgeObservation(
            present=True,
            alive=listening == edge.ports,
            ports=listening,
            # A dead edge comes back with its files, so they say where it points.
            serving=edge.serving,
            generation=edge.generation,
        )

    def _answers(self, container: Container | None) -> bool:
        admin = self._admin(container)
        return admin is not None and admin.state() == "LIVE"

    def traffic(self) -> Traffic:
        found = [self._traffic(container) for container in self.there().values()]
        return add(one for one in found if one.life)

    def _traffic(self, container: Container) -> Traffic:
        admin = self._admin(container)
        try:
            return edge_traffic(admin.detailed(EDGE_STATS), life=container.id[:12]) if admin else Traffic()
        except AdminError:
            return Traffic()

    # --- effects -----------------------------------------------------------------------------------------------------

    def open(self, ports: Sequence[int], generation: int, *, envoy: Image) -> None:
        """Have an edge for each port; those that run keep their connections."""
        record = self.shelf.read()
        if generation >= record.edge.generation:
            record = record.with_edge(ports=tuple(sorted(ports)), generation=generation)
        record = record.with_edge(wanted=True, envoy=record.edge.envoy or envoy)
        self._have(record)

    def reopen(self) -> None:
        record = self.shelf.read()
        if record.edge.envoy is not None:
            self._have(record.with_edge(wanted=True))

    def configure(self, ports: Sequence[int], generation: int) -> None:
        record = self.shelf.read()
        if not record.edge.wanted:
            raise DriverError("the edge is not open")
        if generation < record.edge.generation:
            raise FencedError(f"the edge has seen generation {record.edge.generation}")
        there = self.there()
        for port in sorted(set(ports) - set(there)):
            taken = why_not_published(self.ground, port)
            if taken:
                raise taken
        self._have(record.with_edge(ports=tuple(sorted(ports)), generation=generation))

    def _have(self, record: Record) -> None:
        """Exactly the record's ports, pointing where it says. What is meant first: a kill may come after it."""
        self.shelf.write(record)
        there = self.there()
        for port in record.edge.ports:
            self.raise_edge(record, port, there.get(port))
        for port in sorted(set(there) - set(record.edge.ports)):
            self._close(there[port])
            self._remove(there[port], port)
        self._await_ports(record)
        self.point(record)

    def close(self) -> None:
        self.shelf.write(self.shelf.read().with_edge(wanted=False))
        for container in self.there().values():
            self._close(container)

    def remove(self) -> None:
        for port, container in self.there().items():
            self._remove(container, port)

    def _close(self, container: Container) -> None:
        """No new connections; those that are there have a moment to end."""
        admin = self._admin(container)
        if admin is not None:
            try:
                admin.post("/drain_listeners?graceful&skip_exit")
                wait_for(lambda: self._idle(admin), clock=self.ground.clock, seconds=DRAIN_SECONDS)
            except AdminError:
                pass  # it died, and its connections with it
        self.ground.daemon.stop(container.id, seconds=1)

    def _idle(self, admin: Admin) -> bool | None:
        return admin.connections() == 0 or None

    def _remove(self, container: Container, port: int) -> None:
        self.ground.daemon.remove(container.id)
        self.ground.volume.remove(layout.edge(self.key, port))

    def raise_edge(self, record: Record, port: int, found: Container | None) -> None:
        """Have the port's files and container, and the container running."""
        if found is not None and found.running:
            return
        envoy = record.edge.envoy
        if envoy is None:
            raise DriverError("an edge needs a slot to point at; none runs")
        self.ground.prepare()
        folder = layout.edge(self.key, port)
        self.ground.volume.write(
            folder,
            {"boot.json": _json(bootstrap(self.key, port)), _endpoints_file(port): _json(_endpoints(record, port))},
        )
        name = self.ground.names.edge(self.key, record.name, port)
        if found is None:
            spec = containers.edge(
                record,
                self.key,
                port,
                envoy,
                place=self.ground.place,
                bind=self.ground.bind,
                concurrency=max(1, self.ground.concurrency // 2),
            )
            self.ground.daemon.create(name, spec)
        try:
            self.ground.daemon.start(name)
        except DaemonError as error:
            if "already allocated" in error.message or "already in use" in error.message:
                raise why_not_published(self.ground, port, besides=name) or error from error
            raise

    def point(self, record: Record) -> None:
        """Send new connections where the record says; return when the edges themselves say so."""
        edges = {port: found for port, found in self.there().items() if port in record.edge.ports}
        for port in edges:
            self.ground.volume.write(
                layout.edge(self.key, port), {_endpoints_file(port): _json(_endpoints(record, port))}
            )
        running = [port for port in edges if edges[port].running]
        seen = wait_for(
            lambda: all(self._points(record, port, edges[port]) for port in running) or None,
            clock=self.ground.clock,
            seconds=READ_BACK_SECONDS,
            every=0.005,
        )
        if seen is None:
            where = record.edge.serving or "nowhere"
            raise DriverError(f"the edge does not send new connections to {where} as it was told to")

    def settle(self, record: Record) -> None:
        """The same, where they do not say so already."""
        there = self.there()
        running = [port for port in record.edge.ports if port in there and there[port].running]
        if not all(self._points(record, port, there[port]) for port in running):
            self.point(record)

    def switch(self, to: SlotName | None) -> None:
        record = self.shelf.read()
        if not record.edge.wanted:
            raise DriverError("the edge is not open")
        was, comes = record.serving, record.current(to) if to else None
        leaving = [number for number in record.edge.leaving if comes is None or number != comes.number]
        if was is not None and (comes is None or was.number != comes.number) and was.number not in leaving:
            leaving.append(was.number)
        record = record.with_edge(serving=to, leaving=tuple(leaving))
        self.shelf.write(record)
        self.point(record)

    def _points(self, record: Record, port: int, container: Container) -> bool:
        """Whether the edge itself says that new connections go to the serving slot, and to no other."""
        admin = self._admin(container)
        if admin is None:
            return False
        try:
            found = admin.get_json("/clusters", format="json").get("cluster_statuses", ())
        except AdminError:
            return False
        healthy = {
            host["address"]["socket_address"]["address"]
            for cluster in found
            if cluster["name"] == xds.name(port)
            for host in cluster.get("host_statuses", ())
            if host.get("health_status", {}).get("eds_health_status") == "HEALTHY"
        }
        return healthy == ({record.serving.address} if record.serving else set())

    def _await_ports(self, record: Record) -> None:
        def all_answer() -> bool | None:
            there = self.there()
            return all(self._answers(there.get(port)) for port in record.edge.ports) or None

        if wait_for(all_answer, clock=self.ground.clock, seconds=START_SECONDS, every=0.05) is None:
            there = self.there()
            missing = [port for port in record.edge.ports if not self._answers(there.get(port))]
            words = self.ground.daemon.logs(there[missing[0]].id, tail=3) if missing and missing[0] in there else ""
            listed = ", ".join(map(str, missing))
            raise DriverError(f"the edge of port {listed} did not come up in {START_SECONDS:g} s", hint=words.strip())

    # --- inside ------------------------------------------------------------------------------------------------------

    def there(self) -> dict[int, Container]:
        """The gateway's edge containers by port."""
        return by_port(
            self.ground.daemon.containers(
                f"{names.INSTALLATION}={self.ground.names.installation}",
                f"{names.GATEWAY}={self.key}",
                f"{names.ROLE}={names.Role.EDGE}",
            )
        )

    def _admin(self, container: Container | None) -> Admin | None:
        address = container.addresses.get(self.ground.names.network) if container and container.running else ""
        return reach.envoy(self.ground.reach, address) if address else None


def bootstrap(key: str, port: int) -> Config:
    """All but the endpoints, which are the one file that changes."""
    directory = layout.inside(layout.edge(key, port))
    return {
        "node": {"id": f"{key}-edge-{port}", "cluster": "egx-edge"},
        "admin": {"address": xds.tcp("0.0.0.0", layout.ENVOY_ADMIN_PORT)},  # noqa: S104 - in its container
        "static_resources": {
            "listeners": [_untyped(one) for one in xds.listeners([port], bind="0.0.0.0")],  # noqa: S104
            "clusters": [_untyped(one) for one in xds.clusters([port], directory=directory)],
        },
    }


def _untyped(resource: Config) -> Config:
    return {name: value for name, value in resource.items() if name != "@type"}


def _endpoints(record: Record, port: int) -> Config:
    """Only the current revision of the serving slot gets new connections; others that had some keep theirs."""
    inner = layout.inner_port(port)
    serving = [xds.tcp(record.serving.address, inner)] if record.serving else []
    left = [record.revisions[number] for number in record.edge.leaving if number in record.revisions]
    leaving = [xds.tcp(one.address, inner) for one in left]
    return {"resources": [xds.endpoints(port, serving=serving, leaving=leaving)]}


def _endpoints_file(port: int) -> str:
    return f"{xds.endpoints_file(port)}.json"


def _json(value: Config) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def by_port(found: Iterable[Container]) -> dict[int, Container]:
    return {int(one.labels[names.PORT]): one for one in found if names.PORT in one.labels}
