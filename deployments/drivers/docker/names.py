"""What EGX calls what it makes on a Docker Engine, and the labels by which it knows it again. Pure.

Whatever does not have the installation's label is not EGX's, and is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

PREFIX = "egx.dev"
INSTALLATION = f"{PREFIX}/installation"
GATEWAY = f"{PREFIX}/gateway"
"""The gateway's key."""
NAME = f"{PREFIX}/name"
"""The gateway as people write it."""
ROLE = f"{PREFIX}/role"
SLOT = f"{PREFIX}/slot"
REVISION = f"{PREFIX}/revision"
PORT = f"{PREFIX}/port"
VERSION = f"{PREFIX}/version"
DIGEST = f"{PREFIX}/digest"
FENCE = f"{PREFIX}/fence"
SERVICE = f"{PREFIX}/service"
"""Which support service it is."""
LONGEST_NAME = 40


class Role(StrEnum):
    SLOT = "slot"
    EDGE = "edge"
    FILES = "files"
    """Writes into the volume."""
    SUPPORT = "support"
    """Helps the gateways: see `deployments/drivers/supporting.py`."""
    DOOR = "door"
    """Opens connections into the network for an EGX without a route to it."""
    TOOL = "tool"
    """Runs once and goes."""


@dataclass(frozen=True)
class Names:
    """`installation` tells one EGX's things from another's on the same engine."""

    installation: str

    @property
    def network(self) -> str:
        return f"egx-{self.installation}"

    @property
    def volume(self) -> str:
        return f"egx-{self.installation}"

    @property
    def files(self) -> str:
        return f"egx-{self.installation}-files"

    @property
    def prometheus_data(self) -> str:
        """The volume of what Prometheus has gathered."""
        return f"egx-{self.installation}-prometheus"

    def support(self, service: str) -> str:
        return f"egx-{self.installation}-{service}"

    def tool(self, what: str) -> str:
        return f"egx-{self.installation}-{what}"

    def slot(self, key: str, gateway: str, slot: str, revision: int) -> str:
        """With the key: names that differ may look alike as container names."""
        return f"egx-{self.installation}-{key}-{_short(gateway)}-{slot}-{revision}"

    def edge(self, key: str, gateway: str, port: int) -> str:
        return f"egx-{self.installation}-{key}-{_short(gateway)}-{port}"

    def labels(self, role: Role, **more: str | int) -> dict[str, str]:
        """`more` by the labels' own last parts: `gateway`, `slot`, …"""
        found = {INSTALLATION: self.installation, ROLE: str(role)}
        return found | {f"{PREFIX}/{name}": str(value) for name, value in more.items()}

    def mine(self, labels: Mapping[str, str] | None) -> bool:
        return bool(labels) and (labels or {}).get(INSTALLATION) == self.installation


def _short(gateway: str) -> str:
    """The gateway's name as container names may have it."""
    return re.sub(r"[^a-z0-9]+", "-", gateway.lower()).strip("-")[:LONGEST_NAME]
