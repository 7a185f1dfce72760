"""Static addresses, so that a restart in another order never swaps two slots (it did: the edge then served the wrong
one). Pure.

The lower half of the network's subnet is EGX's own, in blocks of eight: one block a gateway, one address a revision.
The upper half is Docker's, for edges and for containers of the user that join.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable

from deployments.drivers.base import DriverError

BLOCK = 8
PREFIX = 16
CANDIDATES = tuple(f"10.{second}.0.0/{PREFIX}" for second in range(213, 250))
"""Where Docker's own defaults (172.17 to 31, 192.168) and most offices are not."""


def free_subnet(taken: Iterable[str], wanted: str = "", *, after: int = 0) -> str:
    """The first candidate, or `wanted`, that overlaps with nothing; with `after`, so many free ones are passed over.

    Raises DriverError where there is none.
    """
    networks = [ipaddress.ip_network(subnet, strict=False) for subnet in taken]
    free = [subnet for subnet in ((wanted,) if wanted else CANDIDATES) if not _overlaps(subnet, networks)]
    if free:
        return free[min(after, len(free) - 1)]
    raise DriverError(
        f"no subnet is free for EGX's network: {wanted or 'all candidates'} overlap with networks that are there",
        hint="set EGX_DOCKER_SUBNET to a free /16 or smaller, such as 172.30.0.0/16",
    )


def _overlaps(subnet: str, others: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    ours = ipaddress.ip_network(subnet)
    return any(ours.overlaps(other) for other in others if other.version == ours.version)


def host_address(subnet: str) -> str:
    """The Engine's own address in the network: where containers reach the host on Linux."""
    return str(ipaddress.ip_network(subnet)[1])


def own_address(subnet: str, number: int) -> str:
    """One of the network's own, for what all gateways share: 1 to 6."""
    return str(ipaddress.ip_network(subnet)[1 + number])


def dynamic_range(subnet: str) -> str:
    """The upper half, for what has no address of its own."""
    return str(list(ipaddress.ip_network(subnet).subnets(prefixlen_diff=1))[1])


def free_block(taken: Collection[int], subnet: str) -> int:
    """The lowest block that no gateway has; the first is the network's own."""
    blocks = ipaddress.ip_network(subnet).num_addresses // 2 // BLOCK
    for block in range(1, blocks):
        if block not in taken:
            return block
    raise DriverError(f"all {blocks - 1} blocks of {subnet} are in use", hint="set EGX_DOCKER_SUBNET to a larger one")


def free_address(block: int, taken: Collection[str], subnet: str) -> str:
    """An address of the block that no revision has."""
    network = ipaddress.ip_network(subnet)
    for offset in range(BLOCK):
        address = str(network[block * BLOCK + offset])
        if address not in taken:
            return address
    raise DriverError(
        "the gateway has eight engines that still have connections; no more fit", hint="wait until some have ended"
    )
