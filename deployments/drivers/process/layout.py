"""Where things lie below the data directory. Envoy runs in a gateway's folder and gets relative paths, which keeps
Unix socket paths short."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

EDGE = "edge"


@dataclass(frozen=True)
class Layout:
    data_dir: Path

    @property
    def engines(self) -> Path:
        return self.data_dir / "engines" / "envoy"

    @property
    def run(self) -> Path:
        return self.data_dir / "run"

    def gateway(self, key: str) -> Path:
        """The working folder of the gateway's processes."""
        return self.run / key

    def instance(self, key: str, name: str) -> Path:
        """An edge's or a slot's own folder: its configuration, its sockets, its log."""
        return self.gateway(key) / name


def slot_socket(slot: str, port: int) -> str:
    """Where a slot listens for the edge, relative to the gateway's folder."""
    return f"{slot}/{port}.sock"
