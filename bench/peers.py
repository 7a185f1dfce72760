"""The same load on others that switch between two back ends: how many requests it costs them.

Each is used as its documentation says. "Killed half-way": whoever switches gets SIGKILL in the middle, and nobody helps
for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from bench import rivals, updates
from bench.report import Figure
from bench.rig import MissingError
from bench.rivals import Peer
from egx_project.lib.clock import SystemClock, wait_for
from egx_project.load.beside import Beside
from egx_project.load.outcomes import Kind, quantile
from egx_project.load.run import Mix

SWITCHES = 6
QUIET_SECONDS = 3.0
BETWEEN_SECONDS = 2.0
ALONE_SECONDS = 3.0
"""How long nobody helps a change whose author was killed."""
MIX = Mix(keep_alive=150, fresh=50, websockets=10, websocket_seconds=1.5)
CLOCK = SystemClock()


@dataclass
class Egx:
    on: updates.Stage

    @property
    def port(self) -> int:
        return self.on.port

    def switch(self) -> None:
        self.on.update()

    def switch_half(self) -> None:
        """The whole EGX is killed while traffic is being switched, and comes back when somebody starts it."""
        self.on.update_and_kill(ALONE_SECONDS)


@contextmanager
def egx() -> Iterator[Peer]:
    with updates.stage() as on:
        on.update()
        yield Egx(on)


PEERS = {
    "EGX": egx,
    "Envoy, stopped and started": rivals.stop_start,
    "nginx, reloaded": rivals.nginx,
    "HAProxy, reloaded": rivals.haproxy,
    "Caddy, by its API": rivals.caddy,
    "kamal-proxy": rivals.kamal_proxy,
}


def measure() -> Iterator[Figure]:
    yield from side_by_side(PEERS)


def side_by_side(peers: Mapping[str, Callable[[], AbstractContextManager[Peer]]]) -> Iterator[Figure]:
    for name, start in peers.items():
        try:
            with start() as peer:
                yield from _switched(name, peer)
                yield from _killed(name, peer)
        except MissingError as missing:
            yield Figure(f"{name}: skipped", 0, how=str(missing))


def _switched(name: str, peer: Peer) -> Iterator[Figure]:
    with Beside(peer.port, MIX) as load:
        _wait(QUIET_SECONDS)
        began = time.monotonic()
        for _number in range(SWITCHES):
            peer.switch()
            _wait(BETWEEN_SECONDS)
        ended = time.monotonic()
    yield from _figures(f"{name}, {SWITCHES} switches", load, began, ended)


def _killed(name: str, peer: Peer) -> Iterator[Figure]:
    with Beside(peer.port, MIX) as load:
        _wait(QUIET_SECONDS)
        began = time.monotonic()
        peer.switch_half()
        _wait(ALONE_SECONDS)
        ended = time.monotonic()
    yield from _figures(f"{name}, killed half-way", load, began, ended)


def _figures(what: str, load: Beside, began: float, ended: float) -> Iterator[Figure]:
    http = [one for one in load.recorded.outcomes if one.kind != Kind.WEBSOCKET]
    sockets = [one for one in load.recorded.outcomes if one.kind == Kind.WEBSOCKET]
    lost = sum(one.failed for one in http)
    refused = sum(one.refused for one in http)
    bar = 0 if what.startswith("EGX") else None
    how = f"of {len(http):,}; {refused:,} of them found nobody to connect to"
    yield Figure(f"{what}: failed requests", lost, at_most=bar, how=how)
    cut = sum(one.failed for one in sockets)
    yield Figure(f"{what}: WebSockets cut", cut, at_most=bar, how=f"of {len(sockets)}")
    during = load.recorded.between(began, ended, Kind.KEEP_ALIVE, Kind.FRESH)
    yield Figure(f"{what}: p99", quantile(during, 0.99) * 1000, "ms", how="of those that were answered")


def _wait(seconds: float) -> None:
    wait_for(lambda: None, clock=CLOCK, seconds=seconds)
