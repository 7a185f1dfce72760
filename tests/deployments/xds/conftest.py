from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Protocol

import pytest

from gateways.spec.snapshot import AttachedRoute, ResolvedBackend
from tests.deployments.xds.backends import echo
from tests.deployments.xds.builders import HTTP, Yaml, service, snapshot
from tests.deployments.xds.envoys import Slot, run_slot


class Serve(Protocol):
    """Have the Envoy serve these routes; it answers the slot to ask."""

    def __call__(
        self,
        *routes: AttachedRoute,
        listeners: Sequence[Yaml] = ...,
        more: Sequence[ResolvedBackend] = ...,
    ) -> Slot: ...


@pytest.fixture(scope="session")
def backends() -> Iterator[list[ResolvedBackend]]:
    """Services v1, v2 and v3, each on port 80."""
    with contextlib.ExitStack() as stack:
        yield [service(name, stack.enter_context(echo(name))) for name in ("v1", "v2", "v3")]


@pytest.fixture(scope="module")
def slot() -> Iterator[Slot]:
    with run_slot() as running:
        yield running


@pytest.fixture
def serve(slot: Slot, backends: list[ResolvedBackend]) -> Serve:
    def load(*routes: AttachedRoute, listeners: Sequence[Yaml] = (HTTP,), more: Sequence[ResolvedBackend] = ()) -> Slot:
        slot.load(snapshot(*routes, listeners=listeners, backends=[*backends, *more]))
        return slot

    return load
