"""Names of the queues that wake-ups for workers go through."""

from __future__ import annotations

COMMON = "egx"
"""For what any worker can do."""


def queue_of(node: str) -> str:
    """Of the workers of a node; of all workers where there is none."""
    return f"{COMMON}.{node}" if node else COMMON
