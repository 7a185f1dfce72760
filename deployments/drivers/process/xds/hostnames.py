"""Hostnames as the Gateway API compares them (Listener.hostname, HTTPRouteSpec.hostnames).

`*` stands for a hostname that is not given. A wildcard is a suffix match: `*.example.com` covers
`a.example.com` and `a.b.example.com`, not `example.com`. Envoy's virtual host domains mean exactly the same.
"""

from __future__ import annotations

from collections.abc import Iterable

ANY = "*"


def covers(pattern: str, hostname: str) -> bool:
    """Whether every name that `hostname` stands for is one that `pattern` stands for."""
    if pattern in {ANY, hostname}:
        return True
    return pattern.startswith("*.") and hostname.removeprefix("*").endswith(pattern[1:])


def intersection(one: str, other: str) -> str | None:
    """The names that both stand for; of two hostnames one covers the other, or nothing is common."""
    if covers(one, other):
        return other
    return one if covers(other, one) else None


def specificity(hostname: str) -> tuple[bool, int]:
    """Greater is more specific: an exact name, then the wildcard with more characters, then none."""
    return not hostname.startswith("*"), len(hostname)


def owner(patterns: Iterable[str], hostname: str) -> str | None:
    """Of these listeners' hostnames, the one that requests for `hostname` belong to (listener isolation)."""
    return max((pattern for pattern in patterns if covers(pattern, hostname)), key=specificity, default=None)
