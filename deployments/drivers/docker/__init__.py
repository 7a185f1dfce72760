"""Gateways as containers on a Docker Engine: the real Envoy Gateway in standalone mode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deployments.drivers.docker.driver import DockerDriver
    from deployments.drivers.registry import DriverSettings


def make(options: Mapping[str, Any], settings: DriverSettings) -> DockerDriver:
    """`options`: a target's `host`, where its Engine listens, if it is not the usual one."""
    from deployments.drivers.docker.driver import DockerDriver

    host = str(options.get("host", "")) or settings.docker.host
    return DockerDriver(replace(settings, docker=replace(settings.docker, host=host)))
