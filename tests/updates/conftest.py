"""A gateway on the fake runtime, and a place for its backups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateways.models import Gateway, Target
from tests.builders import fake_target, serve_gateway


@pytest.fixture
def own_backups(settings: Any, tmp_path: Path) -> None:
    """Not those of another test."""
    settings.EGX_DATA_DIR = tmp_path


@pytest.fixture
def target() -> Target:
    return fake_target()


@pytest.fixture
def gateway(target: Target) -> Gateway:
    return serve_gateway(target=target)
