"""What the demonstration has shown, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from egx_project.load.outcomes import Kind, Outcome, quantile
from egx_project.proof.demo import Change, Demonstration

LONG = Kind.LONG_WEBSOCKET
HEAD = ("", "sent", "answered", "failed", "p50 before", "p50 during", "p99 before", "p99 during")


def table(found: Demonstration) -> str:
    rows = [HEAD, *_rows(found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) if not n else cell.rjust(width) for n, (cell, width) in
                       enumerate(zip(row, widths, strict=True))) for row in rows]  # fmt: skip
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:], "", *_changes(found), "", *_words(found)])


def _rows(found: Demonstration) -> Iterator[tuple[str, ...]]:
    first = min((change.began for change in found.changes), default=0.0)
    for kind in Kind:
        every = found.recorded.between(0, float("inf"), kind)
        if not every or kind == LONG:
            continue
        before = found.recorded.between(found.began, first, kind)
        during = [one for change in found.changes for one in found.recorded.between(change.began, change.ended, kind)]
        failed = sum(one.failed for one in every)
        times = ("", "", "", "") if kind == Kind.WEBSOCKET else _times(before, during)
        yield (str(kind), f"{len(every):,}", f"{len(every) - failed:,}", f"{failed:,}", *times)


def _times(before: Sequence[Outcome], during: Sequence[Outcome]) -> tuple[str, ...]:
    return tuple(_ms(quantile(outcomes, share)) for share in (0.5, 0.99) for outcomes in (before, during))


def _changes(found: Demonstration) -> Iterator[str]:
    for change in found.changes:
        yield f"{change.title}: {change.operation['state']} in {change.seconds:.1f} s{_switch(change)}"
        if change.operation["error"]:
            yield f"    {change.operation['error']}"


def _switch(change: Change) -> str:
    seconds = (change.result.get("switch_traffic") or {}).get("seconds")
    return "" if seconds is None else f", the switch in {seconds * 1000:.0f} ms"


def _words(found: Demonstration) -> Iterator[str]:
    cut = found.reconciled.cut
    if found.quarantined:
        yield f"{found.versions[2]} is in quarantine: {found.quarantined}"
    yield str(found.reconciled)
    if cut:
        yield f"{cut} WebSockets outlived the drain limit of an engine that was replaced, and were cut"
    if found.recorded.asked_again:
        yield f"{found.recorded.asked_again} requests were asked again, which an HTTP/2 server going away had not begun"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
