"""What the command line needs to know of its environment, without Django: where the data is, foremost."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

LONGEST_DATA_DIR = 80
"""Bytes. Unix socket paths end at 104 to 108 bytes, and EGX's own part below the data directory takes up to 24."""


def data_dir() -> Path:
    """`EGX_DATA_DIR`, or the platform's folder for a user's data: all that EGX writes on the host is below it."""
    chosen = os.environ.get("EGX_DATA_DIR")
    return Path(chosen).expanduser().absolute() if chosen else Path(platformdirs.user_data_dir("egx", appauthor=False))


def host() -> str:
    """`HOST`: where the dashboard listens."""
    return os.environ.get("HOST", "127.0.0.1")


def debug() -> bool:
    """`EGX_DEBUG`: tracebacks are shown."""
    return os.environ.get("EGX_DEBUG", "").lower() in {"1", "true", "yes", "on", "y", "ok"}


def socket_path(home: Path) -> Path:
    """The command line's door to a running EGX; only its owner may open it."""
    return home / "egx.sock"
