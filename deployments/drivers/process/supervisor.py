"""Starts again what died, with back-off; after a reboot that is everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deployments.drivers.base import DriverError, Revival
from deployments.drivers.folders import lock
from deployments.drivers.process.units import Unit, all_units, await_end, reap
from egx_project.lib.clock import Clock

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0
LOOK_SECONDS = 0.2
"""Between two looks where the system does not tell of a death."""
STEADY_SECONDS = 10.0
"""A unit that has lived this long is forgiven its earlier deaths."""


@dataclass
class _History:
    failures: int = 0
    revived_at: float = 0.0
    not_before: float = 0.0


class Supervisor:
    def __init__(self, run: Path, *, clock: Clock) -> None:
        self.run = run
        self.clock = clock
        self.histories: dict[Path, _History] = {}

    def tend(self) -> list[Revival]:
        """One look at every unit; what is wanted, dead and not in its pause is started."""
        reap()
        return list(self._revivals())

    def await_death(self, seconds: float) -> None:
        """Return when a process of a unit ends, at once where one has already, or after `seconds` at most."""
        pids = []
        for unit in all_units(self.run):
            running = unit.running()
            if running:
                pids.append(running.pid)
            elif self._is_due(unit):  # it died since `tend` looked
                return
        if not await_end(pids, seconds=min(seconds, self._until_next_try())):
            self.clock.pause(min(seconds, LOOK_SECONDS))

    def _is_due(self, unit: Unit) -> bool:
        wanted = unit.read()
        history = self.histories.get(unit.folder, _History())
        return wanted is not None and wanted.wanted and self.clock.monotonic() >= history.not_before

    def _until_next_try(self) -> float:
        now = self.clock.monotonic()
        pauses = [history.not_before - now for history in self.histories.values() if history.failures]
        return max(0.0, min((pause for pause in pauses if pause > 0), default=LONGEST_PAUSE_SECONDS))

    def _revivals(self) -> Iterator[Revival]:
        for unit in all_units(self.run):
            wanted = unit.read()
            if wanted is None or not wanted.wanted:
                self.histories.pop(unit.folder, None)
                continue
            history = self.histories.setdefault(unit.folder, _History())
            now = self.clock.monotonic()
            if unit.running():
                if history.failures and now - history.revived_at > STEADY_SECONDS:
                    history.failures = 0
            elif now >= history.not_before:
                yield self._revive(unit, history, now)

    def _revive(self, unit: Unit, history: _History, now: float) -> Revival:
        words = unit.last_words()
        history.failures += 1
        history.revived_at = now
        # The first death is answered at once; a unit that keeps dying waits longer each time.
        pause = FIRST_PAUSE_SECONDS * 2 ** (history.failures - 1) if history.failures > 1 else 0.0
        history.not_before = now + min(LONGEST_PAUSE_SECONDS, pause)
        try:
            with lock(unit.folder.parent):
                now_wanted = unit.read()
                if now_wanted is not None and now_wanted.wanted:  # it may have been stopped since we looked
                    unit.start()
        except (DriverError, OSError) as error:
            words = str(error)
        return Revival(key=self._key(unit), unit=unit.name, reason=words, failures=history.failures)

    def _key(self, unit: Unit) -> str:
        return unit.folder.parent.name if unit.folder.parent != self.run else ""
