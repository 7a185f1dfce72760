"""What an Envoy's statistics say about traffic. Pure, but for the asking.

Envoy has a counter for each reason for which it ends a request itself, the same reasons that access logs show as
response flags (Envoy's documentation, "Access log format rules", %RESPONSE_FLAGS%). A backend's own answers are in
none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from deployments.drivers.base import Traffic

CLUSTER_FLAGS: Mapping[str, str] = {
    "upstream_rq_pending_failure_eject": "UF",
    "upstream_cx_none_healthy": "UH",
    "upstream_cx_destroy_remote_with_active_rq": "UC",
    "upstream_rq_rx_reset": "UR",
    "upstream_rq_timeout": "UT",
    "upstream_rq_pending_overflow": "UO",
    "upstream_rq_maintenance_mode": "UO",
    "upstream_cx_protocol_error": "UPE",
}
"""Of a cluster's counters."""
HTTP_FLAGS: Mapping[str, str] = {
    "no_route": "NR",
    "no_cluster": "NC",
    "downstream_rq_overload_close": "OM",
    "downstream_rq_idle_timeout": "SI",
    "downstream_cx_protocol_error": "DPE",
}
"""Of a listener's HTTP counters."""
EDGE_FLAGS: Mapping[str, str] = {
    "upstream_cx_connect_attempts_exceeded": "UF",
    "upstream_cx_none_healthy": "UH",
    "upstream_cx_overflow": "UO",
}
_HTTP = ("downstream_rq_total", "downstream_rq_4xx", "downstream_rq_5xx", "downstream_rq_time", "downstream_cx_active",
         "downstream_cx_upgrades_active")  # fmt: skip
_CLASSES = ("upstream_rq_4xx", "upstream_rq_5xx")

SLOT_STATS = (
    rf"^(http\.http-\d+\.({'|'.join((*_HTTP, *HTTP_FLAGS))})"
    rf"|cluster\..+\.({'|'.join((*_CLASSES, *CLUSTER_FLAGS))}))$"
)
EDGE_STATS = (
    rf"^(tcp\.port-\d+\.downstream_cx_total|cluster\.port-\d+\.({'|'.join(('upstream_cx_active', *EDGE_FLAGS))}))$"
)


def slot_traffic(stats: Iterable[Mapping[str, Any]], *, life: str, besides: Collection[str] = ()) -> Traffic:
    """`stats` as `/stats?format=json&histogram_buckets=detailed` has them, of names that match SLOT_STATS.

    `besides`: listeners (`http-<port>`) that are not for clients.
    """
    totals: Counter[tuple[str, str]] = Counter()
    latency: Counter[float] = Counter()
    for stat in stats:
        if "histograms" in stat:
            latency += _durations(stat["histograms"], besides)
        else:
            scope, _, name = stat["name"].rpartition(".")
            kind, _, place = scope.partition(".")
            if place not in besides:
                totals[kind, name] += int(stat["value"])
    failures = _flagged(totals, "cluster", CLUSTER_FLAGS) + _flagged(totals, "http", HTTP_FLAGS)
    # What Envoy answers by itself and no flag's counter has: a request that it takes for malformed, say.
    failures["4xx"] = _more(totals, "downstream_rq_4xx", "upstream_rq_4xx") - failures["NR"]
    failures["5xx"] = _more(totals, "downstream_rq_5xx", "upstream_rq_5xx") - failures["NC"]
    return Traffic(
        life=life,
        requests=totals["http", "downstream_rq_total"],
        failures={flag: count for flag, count in sorted(failures.items()) if count > 0},
        latency=cumulative(latency),
        connections=totals["http", "downstream_cx_active"],
        upgrades=totals["http", "downstream_cx_upgrades_active"],
    )


def edge_traffic(stats: Iterable[Mapping[str, Any]], *, life: str) -> Traffic:
    totals: Counter[tuple[str, str]] = Counter()
    for stat in stats:
        scope, _, name = stat["name"].rpartition(".")
        totals[scope.split(".", 1)[0], name] += int(stat["value"])
    return Traffic(
        life=life,
        requests=totals["tcp", "downstream_cx_total"],
        failures={flag: count for flag, count in sorted(_flagged(totals, "cluster", EDGE_FLAGS).items()) if count},
        connections=totals["cluster", "upstream_cx_active"],
    )


def add(found: Iterable[Traffic]) -> Traffic:
    """Several Envoys as one; another life of any of them is another life of all."""
    parts = list(found)
    failures: Counter[str] = Counter()
    for part in parts:
        failures.update(part.failures)
    return Traffic(
        life=" ".join(sorted(part.life for part in parts)),
        requests=sum(part.requests for part in parts),
        failures=dict(sorted(failures.items())),
        connections=sum(part.connections for part in parts),
        upgrades=sum(part.upgrades for part in parts),
    )


def _flagged(totals: Counter[tuple[str, str]], scope: str, flags: Mapping[str, str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, flag in flags.items():
        found[flag] += totals[scope, name]
    return found


def _more(totals: Counter[tuple[str, str]], answered: str, by_backends: str) -> int:
    return max(0, totals["http", answered] - totals["cluster", by_backends])


def _durations(found: Mapping[str, Any], besides: Collection[str]) -> Counter[float]:
    """How many requests took up to so many milliseconds, in Envoy's own finest buckets."""
    counted: Counter[float] = Counter()
    for histogram in found.get("details", ()):
        listener = re.fullmatch(r"http\.(http-\d+)\.downstream_rq_time", histogram["name"])
        if listener and listener[1] not in besides:
            for bucket in histogram["totals"]:
                counted[round(bucket["lower_bound"] + bucket["width"], 6)] += int(bucket["count"])
    return counted


def cumulative(counted: Mapping[float, int]) -> tuple[tuple[float, int], ...]:
    total, found = 0, []
    for bound in sorted(counted):
        total += counted[bound]
        found.append((bound, total))
    return tuple(found)
