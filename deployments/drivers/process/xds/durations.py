"""Gateway API durations (GEP-2257) in Envoy's spelling."""

from __future__ import annotations

import re
from fractions import Fraction

PART = re.compile(r"([0-9]+)(h|ms|m|s)")
SECONDS = {"h": Fraction(3600), "m": Fraction(60), "s": Fraction(1), "ms": Fraction(1, 1000)}


def seconds(duration: str) -> Fraction:
    """`1h30m` is 5400; exact, because milliseconds are."""
    return sum((int(number) * SECONDS[unit] for number, unit in PART.findall(duration)), Fraction(0))


def envoy_duration(value: Fraction) -> str:
    """Protobuf's JSON form: decimal seconds with an `s`."""
    whole, rest = divmod(value, 1)
    return f"{whole}.{int(rest * 1000):03}s" if rest else f"{whole}s"
