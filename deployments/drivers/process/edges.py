"""One gateway's edge: its files, its process, and the switch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from deployments.drivers.base import DriverError, EdgeObservation, Engine, FencedError, SlotName, Traffic
from deployments.drivers.envoy import edge as xds
from deployments.drivers.envoy.admin import Admin, AdminError
from deployments.drivers.envoy.traffic import EDGE_STATS, edge_traffic
from deployments.drivers.ports import require_free
from deployments.drivers.process import resources
from deployments.drivers.process.argv import run_envoy
from deployments.drivers.process.layout import EDGE, Layout, slot_socket
from deployments.drivers.process.units import Unit, UnitFile
from egx_project.lib import atomic
from egx_project.lib.clock import Clock, wait_for

START_SECONDS = 10.0
READ_BACK_SECONDS = 5.0


@dataclass(frozen=True)
class Meant:
    """What the edge is to do. Ports come from configuration, the slots from lifecycle; both change under the lock."""

    ports: list[int] = field(default_factory=list)
    generation: int = 0
    serving: str | None = None
    leaving: str | None = None


class EdgeFiles:
    def __init__(self, layout: Layout, key: str, clock: Clock, *, bind: str) -> None:
        self.folder = layout.instance(key, EDGE)
        self.gateway_folder = layout.gateway(key)
        self.key = key
        self.clock = clock
        self.bind = bind
        self.unit = Unit(self.folder, clock=clock)
        self.admin = Admin.over_socket(self.folder / "admin.sock")

    def meant(self) -> Meant:
        found = atomic.read_json(self.folder / "meant.json")
        return Meant(**found) if found else Meant()

    # --- looking ------------------------------------------------------------------------------------------------

    def observe(self) -> EdgeObservation:
        unit = self.unit.read()
        if unit is None:
            return EdgeObservation()
        meant = self.meant()
        alive = self.unit.running() is not None
        return EdgeObservation(
            present=unit.wanted,
            alive=alive,
            ports=self._listening() if alive else (),
            # A dead edge comes back with its files, so they say where it points.
            serving=SlotName(meant.serving) if meant.serving and unit.wanted else None,
            generation=meant.generation,
        )

    def traffic(self) -> Traffic:
        running = self.unit.running()
        try:
            return edge_traffic(self.admin.detailed(EDGE_STATS), life=str(running)) if running else Traffic()
        except AdminError:
            return Traffic()

    def _listening(self) -> tuple[int, ...]:
        try:
            found = self.admin.get_json("/listeners", format="json")
        except AdminError:
            return ()
        ports = (
            status["local_address"]["socket_address"]["port_value"] for status in found.get("listener_statuses", ())
        )
        return tuple(sorted(ports))

    def _points_at(self, meant: Meant) -> bool:
        """Whether the edge itself says that each port sends new connections to the serving slot, and to no other."""
        try:
            found = self.admin.get_json("/clusters", format="json").get("cluster_statuses", ())
        except AdminError:
            return False
        healthy = {
            (cluster["name"], host["address"]["pipe"]["path"])
            for cluster in found
            for host in cluster.get("host_statuses", ())
            if host.get("health_status", {}).get("eds_health_status") == "HEALTHY"
        }
        wanted = {(xds.name(port), slot_socket(meant.serving, port)) for port in meant.ports if meant.serving}
        return healthy == wanted

    # --- effects ------------------------------------------------------------------------------------------------

    def open(
        self,
        engine: Engine,
        binary: Path,
        ports: Sequence[int],
        *,
        generation: int,
        fence: int,
        concurrency: int,
    ) -> None:
        """Run the edge with these ports; one that runs keeps its process and its connections."""
        meant = self.meant()
        if generation >= meant.generation:
            meant = replace(meant, ports=sorted(ports), generation=generation)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write(meant)
        unit = self.unit.read()
        if unit is None or self.unit.running() is None:
            atomic.write_json(self.folder / "boot.json", self._bootstrap())
            argv = run_envoy(binary, name=EDGE, concurrency=concurrency)
            facts = {"version": engine.version, "digest": engine.digest, "fence": fence}
            self.unit.write(UnitFile(argv=argv, cwd=str(self.gateway_folder), wanted=True, facts=facts))
        self.reopen()
        self._await_ports(meant)

    def reopen(self) -> None:
        unit = self.unit.read()
        if unit is None:
            return
        self.unit.write(UnitFile(argv=unit.argv, cwd=unit.cwd, wanted=True, facts=unit.facts))
        self.unit.start()
        up = wait_for(lambda: True if self.admin.state() == "LIVE" else None, clock=self.clock, seconds=START_SECONDS)
        if up is None:
            raise DriverError(f"the edge did not come up in {START_SECONDS:g} s", hint=self.unit.last_words())

    def close(self) -> None:
        self.unit.stop()

    def configure(self, ports: Sequence[int], generation: int) -> None:
        self._require_open()
        meant = self.meant()
        if generation < meant.generation:
            raise FencedError(f"the edge has seen generation {meant.generation}")
        self._require_free(set(ports) - set(meant.ports))
        meant = replace(meant, ports=sorted(ports), generation=generation)
        self._write(meant)
        self._await_ports(meant)
        self._await_slots(meant)

    def _require_open(self) -> None:
        unit = self.unit.read()
        if unit is None or not unit.wanted:
            raise DriverError("the edge is not open")

    def _require_free(self, new: set[int]) -> None:
        """Raise DriverError, with who has the port, before the edge tries; ports that it was told of are its own."""
        for port in sorted(new - set(self._listening())):
            require_free(port, bind=self.bind)

    def switch(self, to: SlotName | None) -> None:
        self._require_open()
        meant = self.meant()
        leaving = meant.serving if to != meant.serving else meant.leaving
        meant = replace(meant, serving=to, leaving=leaving if leaving != to else None)
        self._write(meant)
        self._await_slots(meant)

    def _write(self, meant: Meant) -> None:
        """What is meant first: after a kill it says which files must follow. Endpoints before the clusters and
        listeners that need them."""
        atomic.write_json(self.folder / "meant.json", asdict(meant))
        for port in meant.ports:
            endpoints = xds.endpoints(
                port, serving=_addresses(meant.serving, port), leaving=_addresses(meant.leaving, port)
            )
            resources.write(self.folder / f"{xds.endpoints_file(port)}.json", (endpoints,))
        self._write_clusters(xds.clusters(meant.ports, directory=EDGE))
        resources.write(self.folder / "lds.json", xds.listeners(meant.ports, bind=self.bind))
        self._remove_endpoints_of_others(meant.ports)

    def _remove_endpoints_of_others(self, ports: Sequence[int]) -> None:
        kept = {f"{xds.endpoints_file(port)}.json" for port in ports}
        for file in self.folder.glob("eds-*.json"):
            if file.name not in kept:
                file.unlink(missing_ok=True)

    def _write_clusters(self, clusters: Sequence[resources.Resource]) -> None:
        """Return when an edge that runs has taken them."""
        running = self.unit.running() is not None
        refused = resources.refusals(self.admin) if running else {}
        version = resources.write(self.folder / "cds.json", clusters)
        if running:
            resources.await_version(
                self.admin, stat="cluster_manager.cds", version=version, refused=refused, clock=self.clock
            )

    def _await_ports(self, meant: Meant) -> None:
        wanted = tuple(meant.ports)
        seen = wait_for(
            lambda: True if self._listening() == wanted else None,
            clock=self.clock,
            seconds=READ_BACK_SECONDS,
            every=0.005,
        )
        if seen is None:
            missing = ", ".join(str(port) for port in sorted(set(wanted) - set(self._listening())))
            raise DriverError(
                f"the edge cannot listen on port {missing}: {self._bind_error()}",
                hint="use another port, or stop what has it",
            )

    def _bind_error(self) -> str:
        try:
            text = json.dumps(self.admin.get_json("/config_dump", resource="dynamic_listeners"))
        except AdminError as error:
            return str(error)
        return text.split('"details": "', 1)[1].split('"', 1)[0] if '"details": "' in text else "no reason given"

    def _await_slots(self, meant: Meant) -> None:
        seen = wait_for(
            lambda: True if self._points_at(meant) else None,
            clock=self.clock,
            seconds=READ_BACK_SECONDS,
            every=0.005,
        )
        if seen is None:
            raise DriverError(
                f"the edge does not send new connections to {meant.serving or 'nowhere'} as it was told to"
            )

    def _bootstrap(self) -> resources.Resource:
        admin = {"pipe": {"path": f"{EDGE}/admin.sock", "mode": 0o600}}
        return xds.bootstrap(directory=EDGE, node=f"{self.key}-{EDGE}", admin=admin)


def _addresses(slot: str | None, port: int) -> list[resources.Resource]:
    return [xds.pipe(slot_socket(slot, port))] if slot else []
