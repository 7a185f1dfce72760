"""Which package index to ask where nobody says: the one that pip asks on this host, mirrors and all."""

from __future__ import annotations

import functools
import re
import subprocess
import sys

from updates.channels.base import ChannelError

SECONDS = 30


@functools.cache
def of_pip() -> str:
    """Pip's own default for `--index-url`, as its configuration and environment have it. Raises ChannelError."""
    argv = [sys.executable, "-m", "pip", "install", "--help"]
    try:
        said = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise ChannelError(
            "no package index is known: pip cannot be asked", hint="set EGX_PACKAGE_INDEX to the index's address"
        ) from error
    # Long addresses are wrapped at hyphens by pip's help.
    found = re.search(r"--index-url <url>.*?\(default\s+(\S+?)\)", re.sub(r"-\n\s+", "-", said), flags=re.DOTALL)
    if found is not None and ":****@" in found[1]:
        raise ChannelError(
            "pip's index needs a password, which pip keeps to itself",
            hint="set EGX_PACKAGE_INDEX to the index's address, password and all",
        )
    if found is None:
        raise ChannelError(
            "no package index is known: pip does not say which it uses",
            hint="set EGX_PACKAGE_INDEX to the index's address",
        )
    return found[1]
