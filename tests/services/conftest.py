from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.flow import Script
from tests.e2e.conftest import backend
from tests.requirements import require
from tests.services.machines import missing
from tests.services.stack import Stack, scaled

__all__ = ["backend"]


@pytest.fixture(scope="session")
def running() -> Iterator[tuple[Stack, Script]]:
    why = missing()
    require("services", present=not why, why=why)
    with scaled() as made:
        yield made


@pytest.fixture
def stack(running: tuple[Stack, Script]) -> Stack:
    return running[0]


@pytest.fixture
def script(running: tuple[Stack, Script]) -> Script:
    return running[1]
