"""What EGX itself costs while nothing happens."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psutil

from bench import manifests
from bench.report import Figure
from bench.rig import egx, free_port, nginx

IDLE_SECONDS = 20.0
SETTLE_SECONDS = 3.0


def measure() -> Iterator[Figure]:
    with nginx() as backend, egx() as running:
        running.apply(manifests.gateway(free_port(), backend) + manifests.route())
        running.settle()
        process = psutil.Process(running.process.pid)
        time.sleep(SETTLE_SECONDS)
        before, began = _seconds(process), time.monotonic()
        time.sleep(IDLE_SECONDS)
        busy = (_seconds(process) - before) / (time.monotonic() - began)
        own = [process, *(child for child in process.children(recursive=True) if child.name() != "envoy")]
        memory = sum(each.memory_info().rss for each in own) / 1e6
    yield Figure("resident memory of EGX", memory, "MB", at_most=150, how=f"{len(own)} process, one gateway")
    yield Figure("processor while idle", busy * 100, "%", at_most=1.0, how=f"of one core, over {IDLE_SECONDS:g} s")


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
