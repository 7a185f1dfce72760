from __future__ import annotations

from deployments.admin import gateways, operations, support, targets

__all__ = ["gateways", "operations", "support", "targets"]
