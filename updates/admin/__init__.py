from __future__ import annotations

from updates.admin import backups, gateways, policies, releases, soaks

__all__ = ["backups", "gateways", "policies", "releases", "soaks"]
