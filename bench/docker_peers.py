"""The engine of a gateway in Docker changed by EGX, by Compose and by docker-rollout's method, under the same load."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench import compose, docker, peers
from bench.report import Figure
from bench.rivals import Peer


@contextmanager
def egx() -> Iterator[Peer]:
    with docker.stage() as (on, _edits):
        on.update()
        yield peers.Egx(on)


def measure() -> Iterator[Figure]:
    testbed = docker.testbed()
    yield from peers.side_by_side(
        {
            "EGX": egx,
            "docker compose up": lambda: compose.recreated(testbed, docker.VERSIONS),
            "docker-rollout's method": lambda: compose.rolled_out(testbed, docker.VERSIONS),
        }
    )
