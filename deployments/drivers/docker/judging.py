"""Whether an engine holds what it was told: by its own dump, its own statuses, and what it logs of files that it
would not read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from deployments.drivers.docker import dumps, reach, statuses
from deployments.drivers.docker.changes import Object
from deployments.drivers.docker.ground import Ground
from deployments.drivers.docker.records import Revision
from deployments.drivers.envoy.admin import AdminError

WORDS_SECONDS = 0.5
"""How often a log is read while an engine does not serve yet."""
MOST_LINES = 20_000
"""Of a log that is looked at as a whole."""


class Judge:
    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._words: dict[str, tuple[float, str]] = {}
        """What a container had logged, and when that was looked at."""
        self._seen: dict[tuple[str, int], str] = {}
        """What was found of (container, generation) that starts with a configuration: it does not change by itself."""

    def now(self) -> float:
        """Seconds of the Epoch by the Engine's clock, whose stamps its logs have."""
        said = str(self.ground.daemon.info()["SystemTime"])
        return datetime.fromisoformat(said[:19] + "+00:00").timestamp()

    def fresh(self, revision: Revision, container: str, objects: Sequence[Object]) -> str:
        """Why an engine that has started with these objects does not hold them as meant; empty where it does."""
        key = (container, revision.generation)
        if key not in self._seen:
            said = statuses.read(self.ground.daemon.logs(container, tail=MOST_LINES))
            problems = statuses.problems(said) or self.differences(revision, objects)
            self._seen[key] = "; ".join(problems)
        return self._seen[key]

    def problem(self, container: str, *, since: float) -> str:
        """What the engine says against what it was told since then; empty where it has nothing to say."""
        said = statuses.read(self.ground.daemon.logs(container, since=since))
        return "; ".join([*said.reload_errors, *statuses.problems(said)])

    def reload_error(self, container: str, *, since: float) -> str:
        said = statuses.read(self.ground.daemon.logs(container, since=since or None, tail=MOST_LINES))
        return "; ".join(said.reload_errors[-1:])

    def words(self, container: str) -> str:
        """Why an engine that has just started reads nothing, as far as it says."""
        now = self.ground.clock.monotonic()
        at, said = self._words.get(container, (now - WORDS_SECONDS, ""))
        if not said and now - at >= WORDS_SECONDS:
            said = self.reload_error(container, since=0)
            self._words[container] = (now, said)
        return said

    def differences(self, revision: Revision, objects: Sequence[Object], *, before: Sequence[Object] = ()) -> list[str]:
        """Between what the engine holds and what it was told."""
        try:
            return dumps.differences(reach.engine_dump(self.ground.reach, revision.address), objects, before=before)
        except AdminError as error:
            return [error.message]
