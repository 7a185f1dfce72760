from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from tests.requirements import require
from tests.testbed.places import TestbedError
from tests.testbed.state import Testbed, seen


@pytest.fixture(scope="session")
def testbed() -> Testbed:
    """What `python -m tests.testbed up` has made and started."""
    try:
        return seen()
    except TestbedError as error:
        require("docker", present=False, why=str(error))
        raise


@pytest.fixture(scope="session")
def engine(testbed: Testbed) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=f"unix://{testbed.socket}", version="auto")
    yield client
    client.close()
