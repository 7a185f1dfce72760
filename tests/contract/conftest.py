from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployments.drivers import logins
from tests import hosts
from tests.contract.runtimes import RUNTIMES, Runtime


@pytest.fixture(scope="session")
def backend() -> Iterator[int]:
    with hosts.backend("0.0.0.0") as port:
        yield port


MARKS = {"docker": (pytest.mark.docker, pytest.mark.timeout(600))}
PARAMS = [pytest.param(name, marks=MARKS.get(name, ())) for name in RUNTIMES]


@pytest.fixture(params=PARAMS)
def runtime(request: pytest.FixtureRequest, backend: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    monkeypatch.setattr(logins, "_own", [])  # EGX's own logins are rows, which drivers know nothing of
    with RUNTIMES[request.param](backend) as made:
        yield made
