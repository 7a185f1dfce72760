"""Whether a host is an address, and whose. Pure."""

from __future__ import annotations

import ipaddress


def is_address(host: str) -> bool:
    return _address(host) is not None


def is_this_machine(host: str) -> bool:
    """A loopback address or name: for people it is their machine, in a container it would be the container."""
    address = _address(host)
    return address.is_loopback if address else host.rstrip(".").lower() == "localhost"


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
