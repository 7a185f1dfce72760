from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployments.drivers import registry


@pytest.fixture(autouse=True)
def _fresh_drivers() -> Iterator[None]:
    """Drivers live as long as a process; a test's must not see another's world."""
    registry._made.cache_clear()
    yield
    registry._made.cache_clear()
