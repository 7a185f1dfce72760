"""Follows the logs of a target's slots and edges into files, for as long as somebody wants that.

One thread waits for news of containers, one for each container waits for its lines; nothing is asked again and again.
What has been written is in the files themselves, so that whoever goes on after a kill neither loses nor doubles a line.
Memory is bounded since one line is held at a time: an Engine that has more waits until it is read. CPU is bounded by a
budget; a container that goes on saying more than that is followed with gaps, and each gap is a line.
"""

from __future__ import annotations

import contextlib
import threading
import time
from datetime import UTC, datetime, timedelta

import structlog

from deployments.drivers.base import DriverError
from deployments.drivers.docker import names, rendering
from deployments.drivers.docker.api.streams import LogStream
from deployments.drivers.docker.daemon import Container, Daemon
from deployments.drivers.docker.names import Role
from deployments.drivers.log_files import LONGEST_LINE, GatewayLog, Kind, LogFiles, LogLine
from egx_project.lib.redact import redacted

log = structlog.get_logger(__name__)

FOLLOWED = frozenset({str(Role.SLOT), str(Role.EDGE)})
CPU_SHARE = 0.25
"""Of one CPU, for all containers together; a burst may take more."""
BURST_SECONDS = 1.0
LINES_BETWEEN_LOOKS = 64
MOST_LAG = timedelta(seconds=2)
LAGGING_SECONDS = 3.0
"""Docker itself leaves out what a slow reader has not read when its files turn over, and does not say so."""
CURSOR_SECONDS = 5.0
AGAIN_SECONDS = 1.0
FULL_SECONDS = 5.0
EVENTS_SECONDS = 60.0
"""After so long without news it is looked anew."""
LEFT_OUT = "[egx] lines are left out here: they come faster than the log agent may follow"
OWN_REQUEST = f'"authority":"{rendering.MARKER_HOST}"'
STAMP_LENGTH = len("2026-01-01T00:00:00.000000000Z")


class Pace:
    """How much CPU may be taken: a share of one, and a burst."""

    def __init__(self, share: float = CPU_SHARE, burst: float = BURST_SECONDS) -> None:
        self.share, self.burst = share, burst
        self._left, self._at = burst, time.monotonic()
        self._lock = threading.Lock()

    def take(self, seconds: float) -> float:
        """So much was taken; how long to pause now."""
        with self._lock:
            now = time.monotonic()
            self._left = min(self.burst, self._left + (now - self._at) * self.share) - seconds
            self._at = now
            return max(0.0, -self._left / self.share)


class LogAgent:
    def __init__(self, daemon: Daemon, installation: str, files: LogFiles) -> None:
        self.daemon = daemon
        self.installation = installation
        self.files = files
        self.pace = Pace()
        self.stopped = threading.Event()
        self._followers: dict[str, _Follower] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="log-agent", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """Return when nothing is written any more."""
        self.stopped.set()
        with self._lock:
            followers = list(self._followers.values())
        for follower in followers:
            follower.end()
        for follower in followers:
            follower.thread.join(timeout=10)
        self.files.close()

    def _run(self) -> None:
        label, first = f"{names.INSTALLATION}={self.installation}", True
        while not self.stopped.is_set():
            since = time.time() - 1
            try:
                for container in self.daemon.containers(label):
                    if first or container.running:  # what those have said that have ended is read once
                        self._follow(container)
                first = False
                for event in self.daemon.events(
                    {"type": ["container"], "label": [label]}, seconds=EVENTS_SECONDS, since=since
                ):
                    if self.stopped.is_set():
                        return
                    if event.get("Action") == "start":
                        self._follow(_of_event(event))
            except DriverError as error:
                log.info("the log agent waits for Docker", reason=error.message)
            self.stopped.wait(AGAIN_SECONDS)

    def _follow(self, container: Container) -> None:
        if container.labels.get(names.ROLE) not in FOLLOWED or not container.labels.get(names.GATEWAY):
            return
        with self._lock:
            found = self._followers.get(container.id)
            if found is not None and found.again():
                return
            if not self.stopped.is_set():
                follower = _Follower(self, container)
                self._followers[container.id] = follower
                follower.thread.start()

    def forget(self, container: str) -> None:
        with self._lock:
            self._followers.pop(container, None)


class _Follower:
    """Of one container, through its restarts."""

    def __init__(self, agent: LogAgent, container: Container) -> None:
        self.agent = agent
        self.container = container
        self.source = source_of(container)
        self.thread = threading.Thread(target=self._run, name=f"logs-{self.source}", daemon=True)
        self._stream: LogStream | None = None
        self._lock = threading.Lock()
        self._wanted = True
        """There is, or may be, something to read."""
        self._over = False
        self._stamps: dict[Kind, str] = {}
        self._newest = ""
        self._cursor_at = 0.0
        self._behind_since = 0.0

    def again(self) -> bool:
        """The container was started: whether this one still takes notice of that."""
        with self._lock:
            self._wanted = True
            return not self._over

    def end(self) -> None:
        with self._lock:
            self._over = True
            if self._stream is not None:
                self._stream.cancel()

    def _run(self) -> None:
        to = self.agent.files.of(self.container.labels[names.GATEWAY])
        try:
            to.prepare()
            last = to.last_stamps()
            self._stamps = {kind: last.get((kind, self.source), "") for kind in Kind}
            self._newest = to.cursors().get(self.source, "")
            while self._goes_on():
                self._read(to)
            self._keep_cursor(to)
        except FileNotFoundError:  # the gateway was removed, and its folder with it
            log.debug("a gateway's logs are gone", source=self.source)
        except OSError as error:
            log.warning("logs cannot be written", source=self.source, reason=str(error))
        finally:
            with self._lock:
                self._over = True
            self.agent.forget(self.container.id)

    def _goes_on(self) -> bool:
        with self._lock:
            going, self._wanted = self._wanted and not self._over, False
            self._over = not going
            return going

    def _read(self, to: GatewayLog) -> None:
        """To the end of what the container says, or until it is left behind."""
        try:
            stream = self.agent.daemon.stamped_log(self.container.id, since=seconds_of(self._newest), follow=True)
        except DriverError as error:
            log.debug("a container's log cannot be followed", source=self.source, reason=error.message)
            return
        with self._lock:
            self._stream = stream
            if self._over:
                stream.cancel()
        begun = datetime.now(tz=UTC)
        try:
            if self._lines(stream, to, begun):
                self._leave_out(to)
        except FileNotFoundError:
            raise
        except OSError as error:  # a full disk; what Docker still has then is written later
            log.warning("logs cannot be written", source=self.source, reason=str(error))
            self.agent.stopped.wait(FULL_SECONDS)
            self.again()
        finally:
            stream.close()
            with self._lock:
                self._stream = None

    def _lines(self, stream: LogStream, to: GatewayLog, begun: datetime) -> bool:
        """Whether it was left behind."""
        count, cpu = 0, time.thread_time()
        first: tuple[bytes, bytes] | None = None
        for frame in stream:
            at, _, text = frame.partition(b" ")
            first = first or (at, text[:LONGEST_LINE])
            if not text.endswith(b"\n"):
                continue  # the rest of a long line comes in frames of its own, and is cut off
            self._take(first[0].decode(errors="replace"), first[1].decode(errors="replace").rstrip("\r\n"), to)
            first = None
            count += 1
            if count % LINES_BETWEEN_LOOKS == 0:
                now = time.thread_time()
                pause, cpu = self.agent.pace.take(now - cpu), now
                if pause:
                    self.agent.stopped.wait(pause)
                if self._stays_behind(begun):
                    return True
        return False

    def _stays_behind(self, begun: datetime) -> bool:
        """What was said before somebody followed it is no lag, and neither is what can be made up for."""
        read = _moment(self._newest)
        if read <= begun or datetime.now(tz=UTC) - read <= MOST_LAG:
            self._behind_since = 0.0
            return False
        self._behind_since = self._behind_since or time.monotonic()
        return time.monotonic() - self._behind_since > LAGGING_SECONDS

    def _take(self, at: str, text: str, to: GatewayLog) -> None:
        kind = kind_of(text)
        if at > self._stamps[kind]:  # else it is there already: an agent before this one was killed
            if is_told(text):
                to.write(LogLine(at=at, kind=kind, source=self.source, text=redacted(text)))
            self._stamps[kind] = at
        self._newest = max(self._newest, at)
        if time.monotonic() - self._cursor_at > CURSOR_SECONDS:
            self._keep_cursor(to)

    def _leave_out(self, to: GatewayLog) -> None:
        now = f"{datetime.now(tz=UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"
        for kind in Kind:
            to.write(LogLine(at=now, kind=kind, source=self.source, text=LEFT_OUT))
            self._stamps[kind] = now
        self._newest = now
        self._behind_since = 0.0
        self.again()

    def _keep_cursor(self, to: GatewayLog) -> None:
        if self._newest:
            to.keep_cursors({self.source: self._newest})
        self._cursor_at = time.monotonic()


def is_told(text: str) -> bool:
    """Empty lines are not, and neither is that EGX asks a slot what it holds."""
    return bool(text.strip()) and OWN_REQUEST not in text


def kind_of(text: str) -> Kind:
    """A line of JSON as `rendering.ACCESS_LOG` has it is a request; everything else the engine says."""
    is_access = text.startswith("{") and text.endswith("}") and '"start_time"' in text
    return Kind.ACCESS if is_access else Kind.ENGINE


def source_of(container: Container) -> str:
    labels = container.labels
    if labels.get(names.ROLE) == Role.EDGE:
        return f"edge-{labels.get(names.PORT, '')}"
    return f"{labels.get(names.SLOT, '')}-{labels.get(names.REVISION, '')}"


def _of_event(event: dict[str, object]) -> Container:
    actor = event.get("Actor")
    found = actor if isinstance(actor, dict) else {}
    return Container(id=str(found.get("ID", "")), name="", state="running", labels=found.get("Attributes") or {})


def _moment(stamp: str) -> datetime:
    """To the microsecond."""
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(f"{stamp[:26]}+00:00")
    return datetime.fromtimestamp(0, tz=UTC)


def seconds_of(stamp: str) -> float | None:
    """Of the Epoch, as the Engine is asked: a little less, since floats are not exact; what is known is left out."""
    return max(1.0, _moment(stamp).timestamp() - 0.001) if stamp else None
