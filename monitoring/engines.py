"""What a gateway's page says of its engine's changes: the watch after the last one, and what may come next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from deployments.models import Operation
from gateways.models import Gateway
from monitoring import measures
from updates import compat
from updates.models import Soak, SoakState
from updates.services import changes, checks
from updates.services.policies import policy_of


@dataclass(frozen=True)
class Watch:
    """A soak that is under way."""

    soak: Soak

    @property
    def is_watching(self) -> bool:
        return self.soak.state == SoakState.WATCHING

    @property
    def drain_until(self) -> datetime | None:
        """How long the old engine stays for those who are on it, where that is longer than it is kept warm."""
        until = self.soak.drain_until
        return until if until and until > self.soak.warm_until else None

    @property
    def measured(self) -> measures.Table | None:
        if self.soak.state == SoakState.OFF:
            return None
        return measures.table({"before": self.soak.baseline, "since the switch": self.soak.seen})


def soak_of(gateway: Gateway) -> Watch | None:
    soak = Soak.objects.filter(gateway=gateway, over_at=None).first()
    return Watch(soak) if soak else None


def soak_after(operation: Operation) -> measures.Numbers | None:
    """What was counted after the operation's switch; None of one that switched nothing."""
    return Soak.objects.filter(operation=operation).values_list("seen", flat=True).first()


def previous_of(gateway: Gateway) -> str:
    """The version that a rollback would bring back; empty where there is none."""
    return changes.previous_version(gateway)


@dataclass(frozen=True)
class Choice:
    """A version that one may ask for, and what stands against it."""

    version: str
    remark: str

    @property
    def label(self) -> str:
        return f"{self.version}: {self.remark}" if self.remark else self.version


def choices(gateway: Gateway) -> Sequence[Choice]:
    """Every version that is offered but the one that serves, newest first."""
    policy, current = policy_of(gateway), checks.current_version(gateway)
    bad = checks.quarantined(policy.channel)
    versions = {release.version for release in checks.offered(policy.channel)} - {current}

    def remark(version: str) -> str:
        if version in bad:
            return "in quarantine"
        now, then = compat.parse(current), compat.parse(version)
        if now and then and then < now:
            return f"older than {current}"
        too_far = compat.why_not(current, version, skip_minor=policy.skip_minor)
        return "too far at once" if too_far else ""

    newest_first = sorted(versions, key=lambda version: compat.parse(version) or compat.LEAST, reverse=True)
    return [Choice(version, remark(version)) for version in newest_first]
