"""`egx`: an HTTP client of the EGX that runs on this host; without Django, so that it starts at once."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """The `egx` command; the exit code."""
    from egx_project.cli.entry import run

    return run(argv)
