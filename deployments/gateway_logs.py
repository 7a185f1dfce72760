"""What gateways say, in pages."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from django.conf import settings

from deployments.drivers.log_files import Kind, LogPage
from deployments.tasks import supporter_of
from egx_project.lib.errors import BadInputError, ConflictError
from gateways.models import Gateway, TargetKind

SPAN = re.compile(r"(?P<count>[0-9]{1,6})(?P<unit>[smhd])")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def read(
    gateway: Gateway, *, kinds: Collection[Kind] = tuple(Kind), limit: int, since: str = "", after: str = ""
) -> LogPage:
    """A page of its logs: from `after`, or from `since` (`10m`, or a moment), or, without both, the last lines.

    Raises BadInputError, ConflictError where they are on another host, DriverError where the runtime does not answer.
    """
    target = gateway.target
    if target.kind != TargetKind.DOCKER:
        raise BadInputError(
            f"gateway {gateway.place} runs on a {target.kind} target, whose logs are not read here",
            hint=f"they are files below run/{gateway.key} in EGX_DATA_DIR" if target.kind == TargetKind.PROCESS else "",
        )
    if target.node != settings.EGX_NODE:
        raise ConflictError(f"the logs of {gateway.place} are on {target.node}", hint="ask the EGX there")
    return supporter_of(target).read_logs(
        gateway.key, kinds=kinds, limit=limit, since=stamp(since) if since else "", after=after
    )


def stamp(text: str) -> str:
    """`10m`, or a moment of RFC 3339, as lines have it. Raises BadInputError."""
    span = SPAN.fullmatch(text)
    try:
        if span:
            moment = datetime.now(tz=UTC) - timedelta(seconds=int(span["count"]) * UNITS[span["unit"]])
        else:
            moment = datetime.fromisoformat(text)
            moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S.%f}000Z"
    except (ValueError, OverflowError):
        raise BadInputError(
            f"since is a span such as 10m, 2h or 1d, or a moment such as 2026-11-26T10:00:00Z, not {text[:50]!r}"
        ) from None
