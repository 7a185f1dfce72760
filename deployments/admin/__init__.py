from __future__ import annotations

from deployments.admin import builds, gateways, operations, targets

__all__ = ["builds", "gateways", "operations", "targets"]
