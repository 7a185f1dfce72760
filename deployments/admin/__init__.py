from __future__ import annotations

from deployments.admin import answers, gateways, operations, targets

__all__ = ["answers", "gateways", "operations", "targets"]
