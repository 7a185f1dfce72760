from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.builders import gateway_yaml
from tests.e2e.running import Egx, quiet_port


@pytest.fixture(scope="session")
def fuzzed() -> Iterator[tuple[Egx, str]]:
    """An EGX with a gateway to find, and the secret of an admin's token."""
    with Egx() as egx:
        egx.do("up", "-d", "--no-demo")
        egx.do("apply", "-f", "-", stdin=gateway_yaml("web", ports=(quiet_port(),)))
        yield egx, egx.do("token", "create", "fuzz", "--role", "admin", "--json").json["token"]
