"""Which EGX this is."""

from __future__ import annotations

from importlib import metadata


def version() -> str:
    return metadata.version("egx")
