from __future__ import annotations

from deployments.admin import gateways, operations, targets

__all__ = ["gateways", "operations", "targets"]
