"""Measuring, and keeping the old slot for as long as it may be wanted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from deployments.drivers.base import Engine, SlotName, Traffic, TrafficObservation
from deployments.engine.step import Arguments, Result, StepContext, StepError
from deployments.models import Operation, SlotState
from deployments.steps.base import NothingToUndo, Reversible, slot
from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from egx_project.lib.clock import wait_for
from gateways.services import set_engine_version
from updates import numbers
from updates.models import Soak, SoakState

LATENCIES_SECONDS = 1.5
"""How long the latencies of counted requests may take to show."""


class MakeRoom(NothingToUndo):
    """The slot of an earlier change is stopped, once those who are on it have gone or have had the time that the policy
    gives them. It does not come back: its place is taken by another engine, and an update that fails leaves the one
    that serves."""

    name = "make_room"
    once = True

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        name = slot(arguments)
        cut = self._await_empty(context, name)
        context.driver.stop_slot(context.scope, name)
        context.record_slot(name, SlotState.STOPPED)
        with context.writing():
            Soak.objects.filter(gateway=context.gateway(), over_at=None).update(over_at=context.clock.now())
        return {"connections_cut": cut}

    def _await_empty(self, context: StepContext, name: SlotName) -> int:
        """How many are there still when their time is up. Raises StepError where the policy lets them stay."""
        soak = Soak.objects.filter(gateway=context.gateway(), over_at=None, old_slot=name).first()
        stay = soak is not None and soak.drain_until is None
        seconds = context.patience.drain
        if soak is not None and soak.drain_until is not None:
            seconds = max(0.0, (soak.drain_until - context.clock.now()).total_seconds())

        def empty() -> bool | None:
            return context.driver.observe(context.scope.key).slots[name].connections == 0 or None

        if wait_for(empty, clock=context.clock, seconds=seconds if soak is not None else 0):
            return 0
        left = context.driver.observe(context.scope.key).slots[name].connections
        if stay and left:
            raise StepError(
                f"{left} connections are still on slot {name}, and the policy lets them stay until they end",
                hint="wait for them, or give the policy a `drain_seconds`",
            )
        return left


class Measure(Reversible):
    name = "measure"
    once = True

    def do(self, context: StepContext, _arguments: Arguments) -> Result:
        first = context.driver.traffic(context.scope.key)
        if any(traffic.requests for traffic in first.slots.values()):
            wait_for(lambda: None, clock=context.clock, seconds=context.patience.baseline)
        now = context.driver.traffic(context.scope.key)
        before = numbers.between(first, now)
        context.record_result(before=before.as_json())
        return {"before": before.as_json(), "counters": numbers.as_json(now)}

    def undo(self, context: StepContext, _arguments: Arguments, result: Result) -> None:
        if "counters" in result:
            since = numbers.from_json(result["counters"])
            seen = numbers.between(since, context.driver.traffic(context.scope.key))
            context.record_result(during=seen.as_json())


class KeepWarm(Reversible):
    """The new engine is the gateway's now; the old slot stays, and a soak watches both."""

    name = "keep_warm"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        measured = context.result_of("measure")
        since = numbers.from_json(measured.get("counters", {}))
        wait_for(lambda: self._latencies_in(context, since), clock=context.clock, seconds=LATENCIES_SECONDS)
        now = context.driver.traffic(context.scope.key)
        seen = numbers.between(since, now)
        observed = context.driver.observe(context.scope.key)
        old, new = slot(arguments, "old"), slot(arguments, "new")
        engine, former = (observed.slots[name].engine or Engine(version="") for name in (new, old))
        left = now.slots.get(old, Traffic())
        drained = {"connections_left": left.connections, "websockets_left": left.upgrades}
        if not left.connections:
            context.record_slot(old, SlotState.WARM)
        with context.writing() as operation:
            set_engine_version(context.gateway(), engine.version)
            self._open_soak(
                context,
                operation,
                arguments,
                {
                    "old_version": former.version,
                    "new_version": engine.version,
                    "new_digest": engine.digest,
                    "baseline": measured.get("before", {}),
                    "since": numbers.as_json(now),
                },
            )
        counted = seen.as_json() if measured else {}
        context.record_result(**({"during": counted} if counted else {}), **drained)
        return {**counted, **drained}

    def _latencies_in(self, context: StepContext, since: TrafficObservation) -> bool | None:
        seen = numbers.between(since, context.driver.traffic(context.scope.key))
        return sum(seen.latency.values()) >= seen.requests * 0.95 or None

    def _open_soak(
        self, context: StepContext, operation: Operation, arguments: Arguments, facts: dict[str, Any]
    ) -> None:
        limits, now = operation.options["limits"], context.clock.now()
        drain = limits["drain_seconds"]
        Soak.objects.filter(gateway=context.gateway(), over_at=None).exclude(operation=operation).update(over_at=now)
        Soak.objects.get_or_create(
            operation=operation,
            defaults={
                "gateway": context.gateway(),
                "channel": operation.options["channel"],
                "old_slot": arguments["old"],
                "new_slot": arguments["new"],
                "limits": limits,
                "state": SoakState.WATCHING if limits["judge"] else SoakState.OFF,
                "switched_at": now,
                "ends_at": now + timedelta(seconds=limits["soak_seconds"] if limits["judge"] else 0),
                "warm_until": now + timedelta(seconds=limits["warm_seconds"]),
                "drain_until": None if drain is None else now + timedelta(seconds=drain),
                **facts,
            },
        )
        record(
            EventKind.SOAK_BEGUN,
            operation.subject,
            operation=operation.pk,
            version=facts["new_version"],
            seconds=limits["soak_seconds"] if limits["judge"] else 0,
        )

    def undo(self, context: StepContext, arguments: Arguments, _result: Result) -> None:
        old = SlotName(arguments["old"])
        engine = context.driver.observe(context.scope.key).slots[old].engine
        with context.writing() as operation:
            Soak.objects.filter(operation=operation).update(over_at=context.clock.now())
            if engine:
                set_engine_version(context.gateway(), engine.version)


class CloseSoak(NothingToUndo):
    name = "close_soak"

    def do(self, context: StepContext, _arguments: Arguments) -> Result:
        cut = context.result_of("retire_old").get("connections_cut", 0)
        with context.writing() as operation:
            Soak.objects.filter(gateway=context.gateway(), over_at=None).update(over_at=context.clock.now())
            record(EventKind.SOAK_OVER, operation.subject, operation=operation.pk, connections_cut=cut)
        context.record_result(connections_cut=cut)
        return {}
