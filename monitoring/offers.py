"""What the page of releases shows: the channels, and what they offer."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.core.paginator import Page, Paginator

from deployments.models import Slot, SlotState
from gateways.models import Gateway
from updates.channels.registry import CHANNELS, EGX, usual
from updates.models import ChannelCheck, Quarantine, Release
from updates.services import releases

RELEASES_A_PAGE = 50
RUNNING_SHOWN = 10


@dataclass(frozen=True)
class ReleaseLine:
    release: Release
    quarantine: Quarantine | None
    gateways: list[Gateway]
    """Those that run it."""

    @property
    def state(self) -> str:
        return releases.state_of(self.release, self.quarantine)

    @property
    def moved(self) -> str:
        """From where to where its tag has moved; empty where it has not, or that is accepted."""
        return releases.why(self.release, None)

    @property
    def notes(self) -> str:
        """An address that may be followed: what channels say is not EGX's own."""
        return self.release.notes_url if self.release.notes_url.startswith(("https://", "http://")) else ""

    @property
    def shown(self) -> list[Gateway]:
        return self.gateways[:RUNNING_SHOWN]

    @property
    def more(self) -> int:
        return len(self.gateways) - len(self.shown)


def channels() -> list[ChannelCheck]:
    """All there are, those that were never asked as well."""
    asked = {row.channel: row for row in ChannelCheck.objects.all()}
    return [asked.get(name) or ChannelCheck(channel=name) for name in sorted(CHANNELS)]


def release_page(number: int) -> tuple[Page[Release], list[ReleaseLine]]:
    """A page of releases, and its lines with who runs them, in a constant number of queries."""
    page = Paginator(releases.ordered(), RELEASES_A_PAGE).get_page(number)
    running = _running()
    lines = [
        ReleaseLine(row, releases.quarantine_of(row), [] if row.channel == EGX else running[row.channel, row.version])
        for row in page.object_list
    ]
    return page, lines


def _running() -> dict[tuple[str, str], list[Gateway]]:
    """By channel and version."""
    found: dict[tuple[str, str], list[Gateway]] = defaultdict(list)
    serving = Slot.objects.filter(state=SlotState.SERVING).select_related("gateway__target")
    for slot in serving.order_by("gateway__name", "pk"):
        found[usual(slot.gateway.target.kind), slot.version].append(slot.gateway)
    return found
