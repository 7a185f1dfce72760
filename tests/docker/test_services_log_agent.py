"""The log agent: what containers say is in files, once, whatever is restarted, and however much it is."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deployments import gateway_logs
from deployments.drivers.docker import log_agent
from deployments.drivers.docker.daemon import Daemon
from deployments.drivers.docker.log_agent import LEFT_OUT, LogAgent, Pace
from deployments.drivers.docker.names import Role
from deployments.drivers.log_files import Kind, LogLine, LogPage
from deployments.drivers.supporting import ServiceName
from gateways.models import Gateway
from tests.docker.serving import Serving
from tests.docker.way import Way
from tests.testbed.state import Testbed

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

KEY = "gw77"
ACCESS = json.dumps({"start_time": "2026-11-26T00:00:00.000Z", "path": "/" + "a" * 100, "status": 200})
MEBIBYTE = 1 << 20
SLOW_SHARE = 0.02
AGENT = """
import sys, threading
from pathlib import Path
from deployments.drivers.docker.daemon import Daemon
from deployments.drivers.docker.log_agent import LogAgent
from deployments.drivers.log_files import LogFiles
host, installation, root = sys.argv[1:]
LogAgent(Daemon(host), installation, LogFiles(Path(root), 64 << 20)).start()
threading.Event().wait()
"""


class Saying:
    """A container that says things as an engine does, and agents that follow it."""

    def __init__(self, egx: Serving, image: str) -> None:
        self.egx = egx
        self.image = image
        self.daemon = egx.driver.ground.daemon
        self.logs = egx.driver.support.logs
        self.agents: list[LogAgent] = []
        self.made: list[str] = []

    def run(self, script: str, *, revision: int = 1) -> str:
        names = self.egx.driver.ground.names
        labels = names.labels(Role.SLOT, gateway=KEY, name="web", slot="blue", revision=revision)
        spec = {
            "Image": self.image,
            "Entrypoint": ["/bin/sh", "-c", script],
            "Labels": labels,
            "HostConfig": {
                "NetworkMode": "none",
                "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}},
            },
        }
        container = self.daemon.create(names.slot(KEY, "web", "blue", revision), spec)
        self.made.append(container)
        self.daemon.start(container)
        return container

    def agent(self, *, most_bytes: int = 64 * MEBIBYTE, host: str = "") -> LogAgent:
        self.logs.files.most_bytes = most_bytes
        made = LogAgent(
            Daemon(host) if host else self.daemon, self.egx.driver.ground.names.installation, self.logs.files
        )
        self.agents.append(made)
        made.start()
        return made

    @contextlib.contextmanager
    def agent_of_its_own(self) -> Iterator[subprocess.Popen[bytes]]:
        """An agent in a process that can be killed."""
        installation = self.egx.driver.ground.names.installation
        argv = [sys.executable, "-c", AGENT, self.daemon.host, installation, str(self.logs.files.root)]
        with subprocess.Popen(argv) as process:
            try:
                yield process
            finally:
                process.kill()

    def page(self, *kinds: Kind, since: str = "", after: str = "", limit: int = 1000) -> LogPage:
        return self.logs.files.of(KEY).page(kinds=kinds or tuple(Kind), limit=limit, since=since, after=after)

    def texts(self, *kinds: Kind) -> list[str]:
        return [line.text for line in self.page(*kinds).lines]

    def becomes(self, condition: Callable[[], object], *, seconds: float = 30.0) -> bool:
        return self.egx.becomes(condition, seconds=seconds)

    def bytes(self) -> int:
        found = 0
        for file in (self.logs.files.root / KEY).rglob("*.log"):
            with contextlib.suppress(FileNotFoundError):  # it was the oldest
                found += file.stat().st_size
        return found


@pytest.fixture
def saying(egx: Serving, testbed: Testbed) -> Iterator[Saying]:
    made = Saying(egx, testbed.images["busybox"].reference)
    yield made
    for agent in made.agents:
        agent.stop()
    for container in made.made:
        made.daemon.remove(container)


def test_while_the_engine_is_away_nothing_is_lost(saying: Saying, testbed: Testbed, tmp_path: Path) -> None:
    way = Way(tmp_path / "way.sock", testbed.socket)
    way.open()
    agent = saying.agent(host=way.host)
    first = saying.run("n=0; while :; do n=$((n+1)); echo line $n; usleep 20000; done")
    assert saying.becomes(lambda: len(saying.page().lines) > 20)
    way.cut()
    said_meanwhile = "echo another; sleep 3600"
    saying.run(said_meanwhile, revision=2)
    saying.daemon.restart(first)
    way.open()
    before = len(saying.page().lines)
    assert saying.becomes(lambda: len(saying.page().lines) > before + 100)
    agent.stop()
    found = [int(line.text.split()[1]) for line in saying.page(limit=100_000).lines if line.source == "blue-1"]
    anew = found.index(1, 1)
    assert found == [*range(1, anew + 1), *range(1, len(found) - anew + 1)]
    assert [line.text for line in saying.page().lines if line.source == "blue-2"] == ["another"]
    way.cut()
    way.close()


def test_requests_and_what_engines_say_are_told_apart(saying: Saying) -> None:
    saying.agent()
    saying.run(f"echo started; echo '{ACCESS}'; echo 'a token egx_abcdefghijklmnopqrst'; sleep 3600")
    assert saying.becomes(lambda: len(saying.page().lines) == 3)
    assert saying.texts(Kind.ACCESS) == [ACCESS]
    assert saying.texts(Kind.ENGINE) == ["started", "a token egx_…"]
    assert {line.source for line in saying.page().lines} == {"blue-1"}


def test_restarts_new_containers_and_new_revisions_go_on(saying: Saying) -> None:
    saying.agent()
    first = saying.run("echo one; sleep 3600")
    assert saying.becomes(lambda: saying.texts() == ["one"])
    saying.daemon.restart(first)
    assert saying.becomes(lambda: saying.texts() == ["one", "one"])
    saying.run("echo two; exit 3", revision=2)
    assert saying.becomes(lambda: saying.texts() == ["one", "one", "two"])
    saying.daemon.remove(first)
    saying.run("echo three; sleep 3600", revision=1)
    assert saying.becomes(lambda: saying.texts() == ["one", "one", "two", "three"])


def test_an_agent_after_one_that_was_killed_neither_loses_nor_doubles_a_line(saying: Saying) -> None:
    script = f"n=0; while :; do n=$((n+1)); echo line $n; echo '{ACCESS[:-1]}, \"n\": '$n'}}'; usleep 2000; done"
    saying.run(script)
    for _round in range(4):
        with saying.agent_of_its_own() as agent:
            before = len(saying.page(limit=100_000).lines)
            assert saying.becomes(lambda: len(saying.page(limit=100_000).lines) > before + 300)  # noqa: B023
            agent.kill()
    text = [line.text for line in saying.page(Kind.ENGINE, since="2026-01-01", limit=100_000).lines]
    assert text == [f"line {n}" for n in range(1, len(text) + 1)]
    numbers = [json.loads(line.text)["n"] for line in all_lines(saying, Kind.ACCESS)]
    assert numbers == list(range(1, len(numbers) + 1))


def all_lines(saying: Saying, kind: Kind) -> list[LogLine]:
    page = saying.page(kind, since="2026-01-01")
    found = [*page.lines]
    while page.more:
        page = saying.page(kind, after=page.after)
        found += page.lines
    return found


def test_a_flood_grows_neither_memory_nor_disk_and_takes_its_share_of_cpu_alone(saying: Saying) -> None:
    most = 4 * MEBIBYTE
    agent = saying.agent(most_bytes=most)
    saying.run(f"echo first; exec yes '{ACCESS}'")
    assert saying.becomes(lambda: saying.bytes() > MEBIBYTE)
    process = psutil.Process()
    begun, cpu, resident = time.monotonic(), time.process_time(), process.memory_info().rss
    grown, largest, lines = 0, 0, 0

    def look() -> int:
        nonlocal grown, largest
        grown = max(grown, process.memory_info().rss - resident)
        largest = max(largest, now := saying.bytes())
        return now

    assert saying.becomes(lambda: look() < largest, seconds=120)  # the oldest went
    agent.pace = Pace(share=SLOW_SHARE)  # so that the flood is more than it may follow, however slow this machine is
    assert saying.becomes(lambda: look() and LEFT_OUT in saying.texts(Kind.ENGINE), seconds=120)
    share = (time.process_time() - cpu) / (time.monotonic() - begun)
    lines = len(saying.page(limit=10).lines)
    print(f"flood: grown {grown / MEBIBYTE:.1f} MiB, disk {largest / MEBIBYTE:.2f} MiB, cpu {share:.2f}")  # noqa: T201
    assert grown < 24 * MEBIBYTE
    assert largest <= most
    assert share < 0.5
    assert lines == 10
    assert "first" in saying.texts(Kind.ENGINE)


def test_an_agent_that_nobody_says_anything_to_takes_no_cpu(saying: Saying, monkeypatch: pytest.MonkeyPatch) -> None:
    saying.agent()
    saying.run("echo one; sleep 3600")
    assert saying.becomes(lambda: saying.texts() == ["one"])
    process = psutil.Process()
    before = {one.id: one.user_time + one.system_time for one in process.threads()}
    mine = {one.native_id for one in threading.enumerate() if one.name.startswith(("log-agent", "logs-"))}
    threading.Event().wait(5.0)
    after = {one.id: one.user_time + one.system_time for one in process.threads()}
    assert len(mine) == 2
    assert sum(after[one] - before[one] for one in mine if one) / 5.0 < 0.005


def test_a_full_disk_is_waited_for(saying: Saying, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_agent, "FULL_SECONDS", 0.2)
    log = saying.logs.files.of(KEY)
    write, failed = log.write, list[str]()

    def full(line: LogLine) -> None:
        if len(failed) < 3:
            failed.append(line.text)
            raise OSError(28, "No space left on device")
        write(line)

    monkeypatch.setattr(log, "write", full)
    saying.agent()
    saying.run("echo one; echo two; sleep 3600")
    assert saying.becomes(lambda: saying.texts() == ["one", "two"])
    assert failed == ["one", "one", "one"]


def test_a_gateways_logs_are_read_with_the_agent_and_without(egx: Serving) -> None:
    egx.start(ServiceName.TEST_BACKEND)
    gateway = egx.deploy()
    assert egx.ask("/before")[0] == 200
    live = wait_for_request(egx, gateway, "/before")
    assert not live.kept
    egx.start(ServiceName.LOG_AGENT)
    egx.driver.support.run_agent(wanted=True)
    assert egx.becomes(lambda: gateway_logs.read(gateway, limit=1).kept)
    kept = wait_for_request(egx, gateway, "/before")
    assert egx.ask("/after")[0] == 200
    after = kept
    assert egx.becomes(lambda: gateway_logs.read(gateway, limit=10, after=after.after).lines)
    new = wait_for_request(egx, gateway, "/after", since="10m")
    assert new.kept
    engine = gateway_logs.read(gateway, kinds=[Kind.ENGINE], limit=1000)
    assert engine.lines
    assert all('"start_time"' not in line.text for line in engine.lines)


def wait_for_request(egx: Serving, gateway: Gateway, path: str, *, since: str = "") -> LogPage:
    found: list[LogPage] = []

    def look() -> bool:
        page = gateway_logs.read(gateway, kinds=[Kind.ACCESS], limit=1000, since=since)
        found.append(page)
        return path in {json.loads(line.text)["path"] for line in page.lines}

    assert egx.becomes(look)
    return found[-1]
