"""Envoy's command lines. Pure."""

from __future__ import annotations

import os
from pathlib import Path

MOST_THREADS = 4
EDGE_DRAIN_SECONDS = 5
"""How long connections of a port that is taken away may stay."""


def run_envoy(binary: Path, *, name: str, concurrency: int) -> list[str]:
    """An edge or a slot named `name`, run in its gateway's folder."""
    return [
        str(binary),
        "--config-path", f"{name}/boot.json",
        "--concurrency", str(concurrency),
        "--disable-hot-restart",
        "--drain-time-s", str(EDGE_DRAIN_SECONDS),
        "--log-level", "warning",
        "--log-path", f"{name}/envoy.log",
    ]  # fmt: skip


def validate(binary: Path, config: Path) -> list[str]:
    """Judge a configuration without serving it."""
    return [
        str(binary),
        "--mode", "validate",
        "--config-path", str(config),
        "--concurrency", "1",
        "--disable-hot-restart",
        "--log-level", "error",
    ]  # fmt: skip


def threads(wanted: int) -> int:
    return wanted or max(1, min(MOST_THREADS, os.cpu_count() or 1))


def edge_threads(wanted: int) -> int:
    """Half of a slot's: an edge only moves bytes, and threads that it does not need take turns from the slot's."""
    return max(1, threads(wanted) // 2)
