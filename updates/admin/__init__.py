from __future__ import annotations

from updates.admin import backups, gateways, policies, registries, releases, soaks

__all__ = ["backups", "gateways", "policies", "registries", "releases", "soaks"]
