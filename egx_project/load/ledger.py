"""The client's account against the backend's: every request, on both sides, exactly once."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from egx_project.load.outcomes import Recorded


@dataclass(frozen=True)
class Reconciled:
    sent: int
    answered: int
    failed: int
    cut: int
    """WebSockets that were to stay longer than an engine that is replaced does; they count as answered."""
    arrived: int
    """Different numbers that the backend has seen."""
    repeated: int
    """Numbers that it has seen more than once."""

    @property
    def agree(self) -> bool:
        """Every answer comes from a request that arrived, once; and whatever was sent has arrived."""
        return self.failed == 0 and self.answered == self.sent == self.arrived and not self.repeated

    def __str__(self) -> str:
        told = f"{self.sent:,} sent, {self.answered:,} answered, {self.failed:,} failed; "
        told += f"the backend saw {self.arrived:,}, {self.repeated:,} of them more than once"
        return told


def _address(backend_port: int) -> str:
    return f"http://127.0.0.1:{backend_port}/ledger"


def reset(backend_port: int) -> None:
    httpx.delete(_address(backend_port), trust_env=False).raise_for_status()


def reconcile(recorded: Recorded, *, backend_port: int) -> Reconciled:
    """Of a load that was alone at the backend since `reset`."""
    seen = httpx.get(_address(backend_port), trust_env=False).raise_for_status().json()
    failed, cut = len(recorded.failed), len(recorded.cut)
    return Reconciled(
        sent=len(recorded.outcomes),
        answered=len(recorded.outcomes) - failed,
        failed=failed,
        cut=cut,
        arrived=seen["numbers_count"],
        repeated=seen["repeated"],
    )
