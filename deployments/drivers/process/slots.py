"""One slot's files and process."""

from __future__ import annotations

import contextlib
import http.client
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deployments.drivers.base import (
    ConfigRejectedError,
    DriverError,
    Engine,
    FencedError,
    Probe,
    SlotName,
    SlotObservation,
    Traffic,
)
from deployments.drivers.envoy.admin import Admin, AdminError, UnixConnection
from deployments.drivers.envoy.edge import name as port_name
from deployments.drivers.envoy.traffic import SLOT_STATS, slot_traffic
from deployments.drivers.process import resources
from deployments.drivers.process.argv import run_envoy
from deployments.drivers.process.layout import Layout, slot_socket
from deployments.drivers.process.units import Unit, UnitFile
from deployments.drivers.process.xds.slot import SlotResources, slot_bootstrap, slot_resources
from egx_project.lib import atomic
from egx_project.lib.clock import Clock, wait_for
from gateways.spec.snapshot import GatewaySnapshot

WARMING_SECONDS = 5.0
"""How long routes wait for new backends to resolve; a name that does not resolve by then answers 503."""
PROBE_SECONDS = 5.0


@dataclass(frozen=True)
class Held:
    """Which configuration the files are, written before the files are: after a kill it tells what was on its way."""

    generation: int = 0
    accepted: int = 0
    """The newest generation that Envoy has said it holds; behind `generation` only inside a change."""
    refused: int = 0
    clusters: list[str] = field(default_factory=list)
    """The names of the accepted generation's clusters, which outlive it by one change."""


class SlotFiles:
    def __init__(self, layout: Layout, key: str, slot: SlotName, clock: Clock) -> None:
        self.folder = layout.instance(key, slot)
        self.gateway_folder = layout.gateway(key)
        self.key = key
        self.slot = slot
        self.clock = clock
        self.unit = Unit(self.folder, clock=clock)
        self.admin = Admin.over_socket(self.folder / "admin.sock")

    # --- looking ------------------------------------------------------------------------------------------------

    def held(self) -> Held:
        found = atomic.read_json(self.folder / "held.json")
        return Held(**found) if found else Held()

    def observe(self) -> SlotObservation:
        unit = self.unit.read()
        if unit is None:
            return SlotObservation(name=self.slot)
        alive = self.unit.running() is not None
        state = self.admin.state() if alive else ""
        return SlotObservation(
            name=self.slot,
            present=unit.wanted,
            alive=alive,
            ready=state in {"LIVE", "DRAINING"} and self._holds_its_files(),
            draining=state == "DRAINING",
            engine=Engine(version=unit.facts["version"], digest=unit.facts["digest"]),
            generation=self.held().accepted,
            connections=self._connections() if state else 0,
        )

    def _connections(self) -> int:
        try:
            return self.admin.connections()
        except AdminError:
            return 0

    def traffic(self) -> Traffic:
        """Nothing, and no life, where it does not answer."""
        running = self.unit.running()
        try:
            return slot_traffic(self.admin.detailed(SLOT_STATS), life=str(running)) if running else Traffic()
        except AdminError:
            return Traffic()

    def probe(self, probe: Probe) -> int:
        path = self.gateway_folder / slot_socket(self.slot, probe.port)
        try:
            with contextlib.closing(UnixConnection(path, host=probe.host, timeout=PROBE_SECONDS)) as connection:
                connection.request("GET", probe.path, headers={"user-agent": "egx-probe", "connection": "close"})
                return int(connection.getresponse().status)
        except (OSError, http.client.HTTPException):
            return 0

    def _holds_its_files(self) -> bool:
        """Whether Envoy has what the files say: it starts without what it refuses, and says LIVE."""
        try:
            texts = self.admin.texts(r"(lds|cds)\.version_text$")
        except AdminError:
            return False
        return all(
            texts.get(stat, "") == resources.read_version(self.folder / f"{file}.json")
            for stat, file in (
                ("listener_manager.lds.version_text", "lds"),
                ("cluster_manager.cds.version_text", "cds"),
            )
        )

    # --- starting and stopping ----------------------------------------------------------------------------------

    def start(self, engine: Engine, binary: Path, snapshot: GatewaySnapshot, *, fence: int, concurrency: int) -> None:
        """Start with this configuration; a slot that already runs this engine is left as it is."""
        unit = self.unit.read()
        facts = {"version": engine.version, "digest": engine.digest, "fence": fence}
        runs = self.unit.running() is not None
        if unit is not None and runs and unit.wanted and unit.facts["version"] == engine.version:
            return
        wanted = slot_resources(snapshot, directory=self.slot)
        if runs:
            self.unit.stop()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.rmtree(self.folder / "before", ignore_errors=True)  # of an earlier life: nothing to go back to
        self._write_held(Held(generation=snapshot.generation, accepted=snapshot.generation, clusters=_names(wanted)))
        for name, contents in wanted.files.items():
            resources.write(self.folder / f"{name}.json", contents)
        atomic.write_json(
            self.folder / "boot.json", slot_bootstrap(directory=self.slot, node=f"{self.key}-{self.slot}")
        )
        argv = run_envoy(binary, name=self.slot, concurrency=concurrency)
        self.unit.write(UnitFile(argv=argv, cwd=str(self.gateway_folder), wanted=True, facts=facts))
        self.unit.start()

    def stop(self) -> None:
        self.unit.stop()

    def resume(self) -> None:
        unit = self.unit.read()
        if unit is None:
            return
        self.unit.write(UnitFile(argv=unit.argv, cwd=unit.cwd, wanted=True, facts=unit.facts))
        self.unit.start()

    # --- configuration ------------------------------------------------------------------------------------------

    def require_wanted(self) -> None:
        """Raise DriverError where the slot is not meant to run."""
        unit = self.unit.read()
        if unit is None or not unit.wanted:
            raise DriverError(f"slot {self.slot} does not run")

    def configure(self, snapshot: GatewaySnapshot) -> None:
        """Clusters before the routes that name them, routes before the listeners that ask for them; each read back."""
        self.require_wanted()
        held = self.held()
        if snapshot.generation < max(held.generation, held.refused):
            raise FencedError(f"slot {self.slot} has seen generation {max(held.generation, held.refused)}")
        if snapshot.generation == held.refused:
            raise ConfigRejectedError(f"generation {held.refused} was taken back from slot {self.slot} before")
        if snapshot.generation == held.accepted:
            return
        wanted = slot_resources(snapshot, directory=self.slot)
        before = self._keep_for_undo(held)
        self._write_held(
            Held(
                generation=snapshot.generation,
                accepted=held.accepted,
                refused=held.refused,
                clusters=held.clusters,
            )
        )
        try:
            self._load(wanted, also=held.clusters)
        except ConfigRejectedError:
            self._put_back(before, refused=snapshot.generation)
            raise
        except DriverError:  # it died or is stuck: nobody may find half of a configuration when it is back
            self._put_back(before, refused=held.refused)
            raise
        self._write_held(
            Held(
                generation=snapshot.generation,
                accepted=snapshot.generation,
                refused=held.refused,
                clusters=_names(wanted),
            )
        )

    def _load(self, wanted: SlotResources, *, also: list[str]) -> None:
        # Clusters of the generation before stay for one change more: workers may still route to them.
        new = set(_names(wanted))
        kept = [c for c in resources.read(self.folder / "cds.json") if c["name"] in also and c["name"] not in new]
        refused = resources.refusals(self.admin)
        self._load_clusters([*wanted.clusters, *kept], refused)
        self._load_routes(wanted, refused)
        version = resources.write(self.folder / "lds.json", wanted.listeners)
        self._await("listener_manager.lds", version, refused)
        for route in wanted.routes:
            self._await_route(route["name"], refused)

    def _await(self, stat: str, version: str, refused: Mapping[str, int]) -> None:
        resources.await_version(self.admin, stat=stat, version=version, refused=refused, clock=self.clock)

    def _load_clusters(self, clusters: list[resources.Resource], refused: Mapping[str, int]) -> None:
        if resources.version_of(clusters) == resources.read_version(self.folder / "cds.json"):
            return
        version = resources.write(self.folder / "cds.json", clusters)
        self._await("cluster_manager.cds", version, refused)
        stat = "cluster_manager.warming_clusters"
        wait_for(
            lambda: True if self.admin.stats(rf"^{stat}$").get(stat, 0) == 0 else None,
            clock=self.clock,
            seconds=WARMING_SECONDS,
        )

    def _load_routes(self, wanted: SlotResources, refused: Mapping[str, int]) -> None:
        """The listeners that are there already must have taken their routes before listeners change."""
        listening = self._listening()
        for route in wanted.routes:
            resources.write(self._route_file(route["name"]), (route,))
            if route["name"] in listening:
                self._await_route(route["name"], refused)

    def _listening(self) -> set[str]:
        return {str(listener["name"]) for listener in resources.read(self.folder / "lds.json")}

    def _route_file(self, name: str) -> Path:
        return self.folder / f"rds-{name}.json"

    def _await_route(self, name: str, refused: Mapping[str, int]) -> None:
        port = name.removeprefix(port_name(0)[:-1])
        self._await(f"http.http-{port}.rds.{name}", resources.read_version(self._route_file(name)), refused)

    def _keep_for_undo(self, held: Held) -> Path:
        """The accepted files, aside. A kill inside the change leaves them as they are."""
        before = self.folder / "before"
        before.mkdir(exist_ok=True, mode=0o700)
        if held.generation == held.accepted:  # else an earlier attempt has kept them already
            for file in self._configuration(self.folder):
                atomic.write_json(before / file.name, atomic.read_json(file))
            atomic.write_json(before / "held.json", asdict(held))
        return before

    def revert(self, generation: int) -> None:
        """If the slot holds, or was on its way to, `generation`: back to what it had accepted before."""
        held = self.held()
        before = self.folder / "before"
        was = atomic.read_json(before / "held.json")
        if held.generation != generation or was is None or was["generation"] == generation:
            return
        try:
            refused = resources.refusals(self.admin)
        except AdminError:  # it reads the files when it is back
            self._put_back(before, refused=generation)
            return
        self._put_back(before, refused=generation)
        for name in sorted(self._listening()):
            self._await_route(name, refused)

    def _put_back(self, before: Path, *, refused: int) -> None:
        """The files that were accepted before; with the clusters that workers route to until they have taken the
        routes. They go with the next change."""
        was = Held(**atomic.read_json(before / "held.json"))
        clusters = resources.read(before / "cds.json")
        names = {cluster["name"] for cluster in clusters}
        routed = [cluster for cluster in self._accepted_clusters() if cluster["name"] not in names]
        resources.write(self.folder / "cds.json", [*clusters, *routed])
        for file in self._configuration(before):
            if file.name != "cds.json":
                atomic.write_json(self.folder / file.name, atomic.read_json(file))
        self._write_held(Held(generation=was.generation, accepted=was.accepted, refused=refused, clusters=was.clusters))

    def _accepted_clusters(self) -> list[resources.Resource]:
        """What the file has, if a running Envoy says that it holds it; one that was refused must not come again."""
        file = self.folder / "cds.json"
        try:
            held = self.admin.texts(r"^cluster_manager\.cds\.version_text$")
        except AdminError:
            return []
        accepted = held.get("cluster_manager.cds.version_text") == resources.read_version(file)
        return resources.read(file) if accepted else []

    def _configuration(self, folder: Path) -> list[Path]:
        """The files that Envoy loads, in the order in which they must be written."""
        return [folder / "cds.json", *sorted(folder.glob("rds-*.json")), folder / "lds.json"]

    def _write_held(self, held: Held) -> None:
        atomic.write_json(self.folder / "held.json", asdict(held))

    # --- draining -----------------------------------------------------------------------------------------------

    def drain(self) -> None:
        if self.unit.running():
            self.admin.post("/healthcheck/fail")

    def undrain(self) -> None:
        if not self.unit.running():
            raise DriverError(f"slot {self.slot} does not run")
        self.admin.post("/healthcheck/ok")


def _names(wanted: SlotResources) -> list[str]:
    return [str(cluster["name"]) for cluster in wanted.clusters]
