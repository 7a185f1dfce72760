from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import hosts
from tests.contract.runtimes import RUNTIMES, Runtime


@pytest.fixture(scope="session")
def backend() -> Iterator[int]:
    with hosts.backend() as port:
        yield port


@pytest.fixture(params=RUNTIMES)
def runtime(request: pytest.FixtureRequest, backend: int) -> Iterator[Runtime]:
    with RUNTIMES[request.param](backend) as made:
        yield made
