from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.running import Egx, backend_process


@pytest.fixture
def egx() -> Iterator[Egx]:
    """An empty data directory."""
    with Egx() as made:
        yield made


@pytest.fixture(scope="session")
def shared() -> Iterator[Egx]:
    """An EGX that runs without the demo gateway, for tests that only talk to it."""
    with Egx() as made:
        made.do("up", "-d", "--no-demo")
        yield made


@pytest.fixture(scope="session")
def backend() -> Iterator[int]:
    """The port of a test backend that says it is `own`."""
    with backend_process("own") as port:
        yield port
