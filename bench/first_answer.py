"""From a clone to an answer of the demo gateway, with warm package caches."""

from __future__ import annotations

import http.client
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bench.report import Figure
from bench.rig import free_port, short_folder

HERE = Path(__file__).resolve().parent.parent
ANSWER_SECONDS = 120.0


def measure() -> Iterator[Figure]:
    with short_folder() as folder:
        clone = folder / "egx"
        subprocess.run(["git", "clone", "--quiet", str(HERE), str(clone)], check=True)
        port = free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
            "EGX_DATA_DIR": str(folder / "d"),
            "EGX_DEMO_PORT": str(port),
            "PORT": str(free_port()),
        }
        began = time.monotonic()
        starting = subprocess.Popen(["make", "up"], cwd=clone, env=environment, stdout=subprocess.DEVNULL)
        try:
            yield Figure("first 200 after `make up`", _answers_after(port, began), "s", at_most=15, how="a new clone")
            starting.wait(timeout=ANSWER_SECONDS)
        finally:
            subprocess.run([".venv/bin/egx", "down", "--gateways"], cwd=clone, env=environment, check=False,
                           stdout=subprocess.DEVNULL)  # fmt: skip


def _answers_after(port: int, began: float) -> float:
    while time.monotonic() - began < ANSWER_SECONDS:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/")
            if connection.getresponse().status == http.HTTPStatus.OK:
                break
        except OSError:
            time.sleep(0.02)
        finally:
            connection.close()
    return time.monotonic() - began
