from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.docker.serving import Serving, serving
from tests.requirements import require
from tests.testbed import needed
from tests.testbed.newer import Newer
from tests.testbed.state import Testbed


@pytest.fixture(scope="session")
def testbed() -> Testbed:
    return needed.testbed()


@pytest.fixture(scope="session")
def engine(testbed: Testbed) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=f"unix://{testbed.socket}", version="auto")
    yield client
    client.close()


@pytest.fixture(scope="session")
def newer(testbed: Testbed) -> Newer:
    """An engine with BuildKit and the API 1.45, for what the first may be too old for; in a network of its own."""
    why = "no newer Docker Engine runs; `python -m tests.testbed up --newer` starts one, as root"
    require("docker", present=testbed.newer is not None, why=why)
    assert testbed.newer is not None
    return testbed.newer


@pytest.fixture(scope="session")
def newer_engine(newer: Newer) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=f"unix://{newer.socket}", version="auto")
    yield client
    client.close()


@pytest.fixture
def egx(testbed: Testbed, settings: Any, tmp_path: Path, transactional_db: None) -> Iterator[Serving]:
    """An EGX with a Docker target and nothing on it."""
    with serving(testbed, settings, tmp_path) as made:
        yield made
