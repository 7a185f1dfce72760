"""Reading a gateway's logs: from the log agent's files, or, without it, as far back as Docker itself has them."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Collection

from deployments.drivers.docker import names
from deployments.drivers.docker.daemon import Container
from deployments.drivers.docker.ground import Ground
from deployments.drivers.docker.log_agent import FOLLOWED, STAMP_LENGTH, is_told, kind_of, seconds_of, source_of
from deployments.drivers.log_files import LONGEST_LINE, Kind, LogFiles, LogLine, LogPage
from egx_project.lib.errors import BadInputError
from egx_project.lib.redact import redacted

LIVE = "live."
NEVER = "~"
"""After every stamp."""
MOST_READ = 5000
"""Lines of each container for one page: of one kind there may be few among them."""


class GatewayLogs:
    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.files = LogFiles(ground.root.parent / "logs" / "gateways", ground.settings.gateway_log_bytes)

    def page(self, key: str, *, kept: bool, kinds: Collection[Kind], limit: int, since: str, after: str) -> LogPage:
        found = self.files.of(key)
        if kept and found.exists and not after.startswith(LIVE):
            return found.page(kinds=kinds, limit=limit, since=since, after=after)
        if after and not after.startswith(LIVE):
            raise BadInputError("the log agent was switched off meanwhile", hint="begin anew, without `after`")
        return self._live(key, kinds=kinds, limit=limit, since=after.removeprefix(LIVE) or since, after=bool(after))

    def _live(self, key: str, *, kinds: Collection[Kind], limit: int, since: str, after: bool) -> LogPage:
        installation = f"{names.INSTALLATION}={self.ground.names.installation}"
        there = self.ground.daemon.containers(installation, f"{names.GATEWAY}={key}")
        found: list[LogLine] = []
        horizon = NEVER
        for one in there:
            if one.labels.get(names.ROLE) in FOLLOWED:
                own, until = self._read(one, since)
                found += [line for line in own if line.kind in kinds and not (after and line.at == since)]
                horizon = min(horizon, until)
        if not since:
            found.sort(key=lambda line: line.at)
            wanted = found[-limit:]
            return LogPage(lines=wanted, after=f"{LIVE}{wanted[-1].at}" if wanted else LIVE)
        reached = sorted((line for line in found if line.at <= horizon), key=lambda line: line.at)
        wanted = reached[:limit]
        last = wanted[-1].at if len(wanted) < len(reached) else (horizon if horizon != NEVER else "")
        last = last or (wanted[-1].at if wanted else since)
        return LogPage(lines=wanted, after=f"{LIVE}{last}", more=len(wanted) < len(reached) or horizon != NEVER)

    def _read(self, container: Container, since: str) -> tuple[list[LogLine], str]:
        """Lines, and the stamp up to which these are all; NEVER where there are no more."""
        tail = None if since else MOST_READ
        stream = self.ground.daemon.stamped_log(container.id, since=seconds_of(since), tail=tail)
        found, count, at = list[LogLine](), 0, ""
        with contextlib.closing(stream):
            for frame in itertools.islice(stream, MOST_READ):
                count += 1
                at, _, text = frame[: LONGEST_LINE + STAMP_LENGTH].decode(errors="replace").rstrip().partition(" ")
                if is_told(text) and at >= since:
                    found.append(LogLine(at=at, kind=kind_of(text), source=source_of(container), text=redacted(text)))
        return found, at if count == MOST_READ and since else NEVER

    def forget(self, key: str) -> None:
        """The gateway is gone."""
        shutil.rmtree(self.files.root / key, ignore_errors=True)
