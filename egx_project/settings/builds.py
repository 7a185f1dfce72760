"""Images that EGX builds."""

from __future__ import annotations

from egx_project.settings.core import env

EGX_BUILDX = env.str("EGX_BUILDX", default="")
"""The buildx plugin (`docker-buildx`) for BuildKit; empty: the one that is found; `off`: the Engine's own builder."""

EGX_BUILD_ROOTS = env.list("EGX_BUILD_ROOTS", default=[])
"""Folders below which people may build who are not the user that runs EGX; empty: from Git only."""

EGX_BUILD_LARGEST = env.int("EGX_BUILD_LARGEST", default=0)
"""The largest image that a build may make, in bytes, where nobody says; 0: any."""

EGX_BUILDS_KEPT = env.int("EGX_BUILDS_KEPT", default=20)
"""Newest builds whose logs stay."""
