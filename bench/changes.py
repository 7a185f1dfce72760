"""Route changes under load: how soon they are live, and that nothing is lost."""

from __future__ import annotations

import http.client
import random
import time
from collections.abc import Iterator

from bench import manifests
from bench.report import Figure, median, percentile
from bench.rig import Egx, SteadyLoad, egx, free_port, nginx
from egx_project.cli.errors import AnswerError

TIMED = 100
RANDOM = 100
LIVE_SECONDS = 10.0
SEED = 3
CLIENTS, EACH = 16, 50


def measure() -> Iterator[Figure]:
    with nginx() as backend, egx() as running:
        port = free_port()
        running.apply(manifests.gateway(port, backend) + manifests.route())
        running.settle()
        with SteadyLoad(port, clients=CLIENTS, each=EACH) as load:
            waits = [_live_after(running, port, live) for live in range(1, TIMED + 1)]
        how = f"{TIMED} changes, {load.requests:,} requests beside them"
        yield Figure("route change live, median", median(waits) * 1000, "ms", at_most=150, how=how)
        yield Figure("route change live, p99", percentile(waits, 99) * 1000, "ms")
        yield Figure("requests lost meanwhile", load.failed, at_most=0, how=f"{load.requests:,} requests")
        with SteadyLoad(port, clients=CLIENTS, each=EACH) as load:
            accepted, refused = _random_changes(running, random.Random(SEED))
            running.settle()
        how = f"{accepted} valid and {refused} invalid changes, {load.requests:,} requests"
        yield Figure("requests lost in random changes", load.failed, at_most=0, how=how)
        yield Figure("random changes taken as they should be", accepted + refused, at_least=2 * RANDOM, how=how)


def _live_after(running: Egx, port: int, live: int) -> float:
    """Seconds from the answer to an apply until the gateway's answers are the new ones."""
    running.apply(manifests.route(live=live))
    accepted = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIVE_SECONDS)
    try:
        while time.monotonic() - accepted < LIVE_SECONDS:
            connection.request("GET", "/")
            answer = connection.getresponse()
            answer.read()
            if answer.getheader("x-live") == str(live):
                return time.monotonic() - accepted
            if answer.getheader("connection") == "close":
                connection.close()
    finally:
        connection.close()
    raise RuntimeError(f"change {live} is not live after {LIVE_SECONDS:g} s")


def _random_changes(running: Egx, dice: random.Random) -> tuple[int, int]:
    """How many valid changes were taken, and how many invalid ones refused as bad input."""
    accepted = refused = 0
    for number in range(RANDOM):
        running.apply(_valid(dice, number))
        accepted += 1
        try:
            running.apply(_invalid(dice, number))
        except AnswerError as error:
            refused += error.http_status == http.HTTPStatus.BAD_REQUEST
    return accepted, refused


def _valid(dice: random.Random, number: int) -> str:
    return dice.choice(
        [
            manifests.route(live=number),
            manifests.route(f"r{dice.randrange(10)}", path=f"/r{number}", live=number),
            manifests.route(f"r{dice.randrange(10)}", path=f"/x{number}/[a-z]+", kind="RegularExpression"),
            manifests.route(f"r{dice.randrange(10)}", path=f"/e{number}", kind="Exact", weight=dice.randint(1, 100)),
        ]
    )


def _invalid(dice: random.Random, number: int) -> str:
    return dice.choice(
        [
            manifests.route("bad", path=f"/b{number}", backend="nobody"),
            manifests.route("bad", path=f"/b{number}([", kind="RegularExpression"),
            manifests.route("bad", path=f"/b{number}", weight=-1),
            manifests.route("bad", path="/"),  # the match of another route
            manifests.route("bad", path=f"/b{number}").replace("parentRefs", "parentRef"),
            manifests.route("bad", path=f"b{number}"),
        ]
    )
