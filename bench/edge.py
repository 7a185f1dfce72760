"""What the edge costs: requests a second through it, against the slot alone and against HAProxy as L4.

"The slot alone" is the slot's Envoy with the slot's configuration and clients that come by TCP, as they come
to the edge.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import manifests
from bench.report import Figure, median
from bench.rig import Egx, Loaded, backend_process, egx, free_port, listening, load, nginx, short_folder, tool
from deployments.drivers.process import resources
from deployments.drivers.process.argv import threads
from deployments.drivers.process.units import Unit
from deployments.drivers.process.xds.resource import without_type

ROUNDS = 5
SECONDS = 4.0
CLIENTS = 32

HAPROXY = """\
global
  maxconn 4000
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen l4
  bind 127.0.0.1:{port}
  server slot unix@{socket} send-proxy-v2
"""


def measure() -> Iterator[Figure]:
    with backend_process() as backend:
        yield from _compare(backend, "an application behind", bar=0.75)
    with nginx() as backend:
        yield from _compare(backend, "nginx behind with one short answer: all that costs is the way", bar=None)


def _compare(backend: int, behind: str, *, bar: float | None) -> Iterator[Figure]:
    with egx() as running:
        port = free_port()
        running.apply(manifests.gateway(port, backend) + manifests.route())
        running.settle()
        slot = _socket(running, port)
        with _haproxy(slot) as beside, _slot_on_tcp(slot.parent) as alone:
            ways: dict[str, Callable[[], Loaded]] = {
                "slot alone": lambda: load(alone, clients=CLIENTS, seconds=SECONDS),
                "through the edge": lambda: load(port, clients=CLIENTS, seconds=SECONDS),
                "through HAProxy as L4": lambda: load(beside, clients=CLIENTS, seconds=SECONDS),
            }
            # Turn about, so that what else the machine does falls on all of them.
            rounds = [{way: run() for way, run in ways.items()} for _ in range(ROUNDS)]
    rates = {way: median([each[way].per_second for each in rounds]) for way in ways}
    how = f"median of {ROUNDS} rounds of {SECONDS:g} s, {CLIENTS} connections, {behind}"
    for way, rate in rates.items():
        yield Figure(f"requests/s, {way}", rate, "/s", how=how)
    base = rates["slot alone"]
    yield Figure("edge against slot alone", rates["through the edge"] / base, at_least=bar, how=how)
    yield Figure("HAProxy against slot alone", rates["through HAProxy as L4"] / base, how="for comparison")
    yield Figure("requests lost", sum(got.failed for each in rounds for got in each.values()), at_most=0)


def _socket(running: Egx, port: int) -> Path:
    (found,) = (running.home / "run").glob(f"*/blue/{port}.sock")
    return found


@contextlib.contextmanager
def _slot_on_tcp(slot: Path) -> Iterator[int]:
    """The port of one more Envoy that has all the slot has, but listens on TCP."""
    port = free_port()
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    (listener,) = resources.read(slot / "lds.json")
    boot = {
        "node": {"id": "alone", "cluster": "bench"},
        "static_resources": {
            "listeners": [without_type({**listener, "address": address})],
            "clusters": [without_type(cluster) for cluster in resources.read(slot / "cds.json")],
        },
    }
    with short_folder() as folder:
        file = folder / "boot.json"
        file.write_text(json.dumps(boot))
        unit = Unit(slot).read()
        if unit is None:
            raise RuntimeError(f"{slot} is no unit")
        argv = [unit.argv[0], "-c", str(file), "--concurrency", str(threads(0)), "--disable-hot-restart", "-l", "error"]
        with listening(argv, port=port, cwd=slot.parent):
            yield port


@contextlib.contextmanager
def _haproxy(slot: Path) -> Iterator[int]:
    binary, port = tool("haproxy"), free_port()
    with short_folder() as folder:
        file = folder / "haproxy.cfg"
        file.write_text(HAPROXY.format(port=port, socket=slot))
        with listening([binary, "-f", str(file), "-db"], port=port):
            yield port
