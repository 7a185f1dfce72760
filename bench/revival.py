"""A slot that is killed serves again."""

from __future__ import annotations

import http.client
import os
import signal
import time
from collections.abc import Iterator

from bench import manifests
from bench.report import Figure, median
from bench.rig import backend_process, egx, free_port
from tests.load import Load

KILLS = 5
ANSWER_SECONDS = 10.0
ANSWER_TAKES = 0.02
STEADY_SECONDS = 11.0
"""After this long a revived unit is forgiven its death, so that each kill is a first one."""


def measure() -> Iterator[Figure]:
    with backend_process() as backend, egx() as running:
        port = free_port()
        running.apply(manifests.gateway(port, backend) + manifests.route())
        running.settle()
        waits = []
        with Load(port, f"/?delay={ANSWER_TAKES}") as load:
            for _ in range(KILLS):
                os.kill(running.unit_pid("blue"), signal.SIGKILL)
                waits.append(_first_answer(port))
                time.sleep(STEADY_SECONDS)
    yield Figure("killed slot serves again, median", median(waits), "s", at_most=1.0, how=f"{KILLS} kills under load")
    yield Figure("killed slot serves again, longest", max(waits), "s", at_most=1.0)
    how = f"of {load.answered + len(load.failures):,}, two at a time that take {ANSWER_TAKES} s each"
    yield Figure("requests in flight that the kills lost", len(load.failures), how=how)


def _first_answer(port: int) -> float:
    """Seconds until a new connection gets a 200."""
    began = time.monotonic()
    while time.monotonic() - began < ANSWER_SECONDS:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", "/")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return time.monotonic() - began
        except (OSError, http.client.HTTPException):
            continue  # that attempt is over; the time runs on
        finally:
            connection.close()
    return ANSWER_SECONDS
