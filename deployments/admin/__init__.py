from __future__ import annotations

from deployments.admin import builds, gateways, operations, support, targets

__all__ = ["builds", "gateways", "operations", "support", "targets"]
