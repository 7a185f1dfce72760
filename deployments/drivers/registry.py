"""From a target's kind to its driver, loaded when first asked for."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from deployments.drivers.base import Driver, DriverError
from deployments.drivers.building import Builder
from deployments.drivers.docker.settings import DockerSettings
from deployments.drivers.supporting import Supported, Supporter

MOST_THREADS = 4
DRIVERS = {
    "process": "deployments.drivers.process:make",
    "docker": "deployments.drivers.docker:make",
    "fake": "deployments.drivers.registry:make_fake",
}
BUILDERS = {
    "docker": "deployments.drivers.docker.builder:make",
}


@dataclass(frozen=True)
class DriverSettings:
    """What drivers need to know of this installation."""

    data_dir: Path
    bind_address: str
    envoy_binary: str
    envoy_concurrency: int
    package_index: str = ""
    docker: DockerSettings = field(default_factory=DockerSettings)
    buildx: str = ""

    @property
    def threads(self) -> int:
        """Of each Envoy of a slot."""
        return self.envoy_concurrency or max(1, min(MOST_THREADS, os.cpu_count() or 1))


def driver(kind: str, options: Mapping[str, Any], settings: DriverSettings) -> Driver:
    """The driver of a target. Raises DriverError for a runtime that this EGX has no driver for."""
    if kind not in DRIVERS:
        raise DriverError(
            f"this EGX cannot run gateways on {kind} targets", hint=f"it can on: {', '.join(sorted(DRIVERS))}"
        )
    return cast("Driver", _made(DRIVERS[kind], tuple(sorted(options.items())), settings))


def builder(kind: str, options: Mapping[str, Any], settings: DriverSettings) -> Builder:
    """The builder of a target. Raises DriverError for a runtime that builds no images."""
    if kind not in BUILDERS:
        raise DriverError(f"images are not built on {kind} targets", hint=f"they are on: {', '.join(sorted(BUILDERS))}")
    return cast("Builder", _made(BUILDERS[kind], tuple(sorted(options.items())), settings))


def supporter(kind: str, options: Mapping[str, Any], settings: DriverSettings) -> Supporter:
    """Who keeps a target's support services. Raises DriverError for a runtime that has none."""
    found = driver(kind, options, settings)
    if not isinstance(found, Supported):
        raise DriverError(f"{kind} targets have no support services", hint="docker targets have")
    return found.support


@functools.cache
def _made(place: str, options: tuple[tuple[str, Any], ...], settings: DriverSettings) -> Driver | Builder:
    module, name = place.split(":")
    return cast("Driver | Builder", getattr(import_module(module), name)(dict(options), settings))


def make_fake(options: Mapping[str, Any], settings: DriverSettings) -> Driver:
    from deployments.drivers.fake import FakeDriver, Folder

    folder = options.get("folder")
    return FakeDriver(
        Folder(settings.data_dir / folder) if folder else None, latency=float(options.get("latency", 0.0))
    )
