"""Gateways as detached Envoy processes of this host. They outlive EGX; EGX finds them again by their files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployments.drivers.base import Driver
from deployments.drivers.registry import DriverSettings


def make(_options: Mapping[str, Any], settings: DriverSettings) -> Driver:
    from deployments.drivers.process.driver import ProcessDriver

    return ProcessDriver(settings)
