from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.runtimes import RUNTIMES, Runtime


@pytest.fixture(params=RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> Iterator[Runtime]:
    with RUNTIMES[request.param]() as made:
        yield made
