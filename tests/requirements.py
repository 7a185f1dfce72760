"""What some tests need of the machine: skipped where it is missing, unless EGX_REQUIRE says it must be there."""

from __future__ import annotations

import os

import pytest


def require(name: str, *, present: bool, why: str) -> None:
    """Go on where it is present; else skip with the reason, or fail where EGX_REQUIRE, a list with commas, has it."""
    if present:
        return
    if name in os.environ.get("EGX_REQUIRE", "").split(","):
        pytest.fail(f"EGX_REQUIRE names {name}, but {why}")
    pytest.skip(why)
