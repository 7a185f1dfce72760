"""The `process` runtime: every effect under the gateway's lock, behind its fence."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deployments.drivers import ports
from deployments.drivers.base import (
    ConfigRejectedError,
    DriverError,
    Engine,
    Observation,
    Probe,
    Progress,
    Revival,
    Scope,
    SlotName,
    TrafficObservation,
    unwatched,
)
from deployments.drivers.folders import Folders, fenced
from deployments.drivers.process.argv import edge_threads, threads, validate
from deployments.drivers.process.edges import EdgeFiles
from deployments.drivers.process.engines import EngineStore
from deployments.drivers.process.layout import Layout
from deployments.drivers.process.slots import SlotFiles
from deployments.drivers.process.supervisor import Supervisor
from deployments.drivers.process.xds.capabilities import refusals
from deployments.drivers.process.xds.slot import check_bootstrap, slot_resources
from deployments.drivers.registry import DriverSettings
from egx_project.lib import atomic
from egx_project.lib.clock import Clock, SystemClock
from gateways.spec.base import Problem
from gateways.spec.snapshot import GatewaySnapshot

LEAST_FREE_BYTES = 300 * 1024 * 1024
"""An Envoy is 107 MB unpacked; the rest is for logs."""
VALIDATE_SECONDS = 30


class ProcessDriver:
    kind = "process"
    look_every = 0.02

    def __init__(self, settings: DriverSettings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.layout = Layout(settings.data_dir)
        self.folders = Folders(self.layout.run)
        self.engines = EngineStore(
            self.layout.engines, clock=self.clock, local_binary=settings.envoy_binary, index=settings.package_index
        )
        self.supervisor = Supervisor(self.layout.run, clock=self.clock)

    # --- looking ------------------------------------------------------------------------------------------------

    def refusals(self, snapshot: GatewaySnapshot) -> Sequence[Problem]:
        return refusals(snapshot)

    def obstacles(self, snapshot: GatewaySnapshot) -> Sequence[Problem]:
        own = self._edge(snapshot.key).meant().ports
        return [
            Problem(
                message=taken.message,
                hint=taken.hint,
                ref=snapshot.gateway.ref,
                path=("spec", "listeners", index, "port"),
            )
            for index, listener in enumerate(snapshot.gateway.spec.listeners)
            if listener.port not in own
            and (taken := ports.why_not_free(listener.port, bind=self.settings.bind_address))
        ]

    def preflight(self, snapshot: GatewaySnapshot) -> None:
        free = shutil.disk_usage(self.settings.data_dir).free
        if free < LEAST_FREE_BYTES:
            raise DriverError(
                f"{self.settings.data_dir} has {free >> 20} MB free; a gateway needs {LEAST_FREE_BYTES >> 20} MB",
                hint="free some space, or set EGX_DATA_DIR to a larger disk",
            )
        listening = self._edge(snapshot.key).observe().ports
        for port in set(snapshot.ports) - set(listening):
            ports.require_free(port, bind=self.settings.bind_address)

    def observe(self, key: str, desired: GatewaySnapshot | None = None) -> Observation:  # noqa: ARG002 - all in place
        return Observation(
            key=key,
            edge=self._edge(key).observe(),
            slots={name: self._slot(key, name).observe() for name in SlotName},
        )

    def traffic(self, key: str) -> TrafficObservation:
        slots = {name: self._slot(key, name).traffic() for name in SlotName}
        return TrafficObservation(
            edge=self._edge(key).traffic(), slots={name: seen for name, seen in slots.items() if seen.life}
        )

    def probe(self, key: str, slot: SlotName, probe: Probe) -> int:
        return self._slot(key, slot).probe(probe)

    # --- engines and configuration ------------------------------------------------------------------------------

    def pull(self, engine: Engine, progress: Progress = unwatched) -> Engine:  # noqa: ARG002
        return self.engines.pull(engine)

    def check_config(self, engine: Engine, snapshot: GatewaySnapshot) -> None:
        with tempfile.TemporaryDirectory(prefix=f"{snapshot.key}-check-") as scratch:
            config = Path(scratch) / "check.json"
            resources = slot_resources(snapshot, directory="check")
            atomic.write_json(config, check_bootstrap(resources, directory="check"))
            argv = validate(self.engines.binary(engine), config)
            try:
                said = subprocess.run(
                    argv, cwd=scratch, capture_output=True, text=True, timeout=VALIDATE_SECONDS, check=False
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise DriverError(f"Envoy {engine.version} could not judge the configuration: {error}") from error
        if said.returncode:
            raise ConfigRejectedError(
                f"Envoy {engine.version} does not accept generation {snapshot.generation}: {_reason(said.stderr)}"
            )

    @fenced
    def configure_slot(self, scope: Scope, slot: SlotName, snapshot: GatewaySnapshot) -> None:
        self._slot(scope.key, slot).configure(snapshot)

    @fenced
    def revert_slot(self, scope: Scope, slot: SlotName, generation: int) -> None:
        self._slot(scope.key, slot).revert(generation)

    @fenced
    def configure_edge(self, scope: Scope, ports: Sequence[int], generation: int) -> None:
        self._edge(scope.key).configure(ports, generation)

    # --- lifecycle ----------------------------------------------------------------------------------------------

    def fence(self, scope: Scope) -> None:
        self.folders.fence(scope)

    @fenced
    def start_slot(self, scope: Scope, slot: SlotName, engine: Engine, snapshot: GatewaySnapshot) -> None:
        self._slot(scope.key, slot).start(
            engine,
            self.engines.binary(engine),
            snapshot,
            fence=scope.fence,
            concurrency=threads(self.settings.envoy_concurrency),
        )

    @fenced
    def stop_slot(self, scope: Scope, slot: SlotName) -> None:
        edge = self._edge(scope.key).observe()
        if edge.present and edge.serving == slot:
            raise DriverError(f"slot {slot} serves; it cannot be stopped")
        self._slot(scope.key, slot).stop()

    @fenced
    def resume_slot(self, scope: Scope, slot: SlotName) -> None:
        self._slot(scope.key, slot).resume()

    @fenced
    def drain(self, scope: Scope, slot: SlotName) -> None:
        self._slot(scope.key, slot).drain()

    @fenced
    def undrain(self, scope: Scope, slot: SlotName) -> None:
        self._slot(scope.key, slot).undrain()

    @fenced
    def open_edge(self, scope: Scope, snapshot: GatewaySnapshot) -> None:
        engine = self._any_engine(scope.key)
        self._edge(scope.key).open(
            engine,
            self.engines.binary(engine),
            snapshot.ports,
            generation=snapshot.generation,
            fence=scope.fence,
            concurrency=edge_threads(self.settings.envoy_concurrency),
        )

    def _any_engine(self, key: str) -> Engine:
        """The edge starts on the engine of a slot that runs, and keeps it: it is upgraded by itself, rarely."""
        for name in SlotName:
            held = self._slot(key, name).observe()
            if held.present and held.engine:
                return held.engine
        raise DriverError("an edge needs a slot to point at; none runs")

    @fenced
    def switch(self, scope: Scope, to: SlotName | None) -> None:
        if to is not None:
            self._slot(scope.key, to).require_wanted()
        self._edge(scope.key).switch(to)

    @fenced
    def close_edge(self, scope: Scope) -> None:
        self._edge(scope.key).close()

    @fenced
    def reopen_edge(self, scope: Scope) -> None:
        self._edge(scope.key).reopen()

    def destroy(self, scope: Scope) -> None:
        folder = self.layout.gateway(scope.key)
        if not folder.exists():
            return
        self._end_all(scope)
        shutil.rmtree(folder, ignore_errors=True)

    @fenced
    def _end_all(self, scope: Scope) -> None:
        edge, slots = self._edge(scope.key), [self._slot(scope.key, name) for name in SlotName]
        edge.close()
        for slot in slots:
            slot.stop()
        for folder in (edge.folder, *(slot.folder for slot in slots)):
            shutil.rmtree(folder, ignore_errors=True)

    def tend(self) -> Sequence[Revival]:
        return self.supervisor.tend()

    def await_death(self, seconds: float) -> None:
        self.supervisor.await_death(seconds)

    # --- inside -------------------------------------------------------------------------------------------------

    def _edge(self, key: str) -> EdgeFiles:
        return EdgeFiles(self.layout, key, self.clock, bind=self.settings.bind_address)

    def _slot(self, key: str, slot: SlotName) -> SlotFiles:
        return SlotFiles(self.layout, key, slot, self.clock)


def _reason(stderr: str) -> str:
    lines = [line for line in stderr.strip().splitlines() if line]
    return lines[-1][-500:] if lines else "it gives no reason"
