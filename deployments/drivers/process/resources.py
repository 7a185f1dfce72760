"""Writing an Envoy's configuration files, and reading back that it has taken them.

The version of a file is the hash of its resources, so that what Envoy says it holds can be compared with what was
meant, and a file that would not change is not written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deployments.drivers.base import ConfigRejectedError, DriverError
from deployments.drivers.envoy.admin import Admin, AdminError
from egx_project.lib import atomic
from egx_project.lib.clock import Clock, wait_for

Resource = dict[str, Any]
READ_BACK_SECONDS = 10.0
READ_BACK_EVERY = 0.004


def version_of(resources: Sequence[Resource]) -> str:
    return hashlib.sha256(json.dumps(list(resources), sort_keys=True).encode()).hexdigest()[:16]


def write(file: Path, resources: Sequence[Resource]) -> str:
    """Put the resources where Envoy watches; the version that it must come to hold."""
    version = version_of(resources)
    if read_version(file) != version:
        atomic.write_json(file, {"version_info": version, "resources": list(resources)})
    return version


def read_version(file: Path) -> str:
    held = atomic.read_json(file)
    return held["version_info"] if held else ""


def read(file: Path) -> list[Resource]:
    held = atomic.read_json(file)
    return list(held["resources"]) if held else []


def refusals(admin: Admin) -> dict[str, int]:
    """How often each subscription was refused something so far. Ask before the write: Envoy may be quicker than the
    first look after it."""
    return admin.stats(r"\.update_rejected$")


def await_version(admin: Admin, *, stat: str, version: str, refused: Mapping[str, int], clock: Clock) -> None:
    """Return when the Envoy says that the subscription whose statistics are named `stat` holds `version`.

    Raises ConfigRejectedError when it says that it has refused it: more often than `refused` had it before the write.
    """
    counter = f"{stat}.update_rejected"

    def look() -> bool | None:
        if admin.texts(rf"^{stat}\.version_text$").get(f"{stat}.version_text") == version:
            return True
        rejected = admin.stats(rf"^{stat}\.update_rejected$").get(counter, 0)
        return False if rejected > refused.get(counter, 0) else None

    took = wait_for(look, clock=clock, seconds=READ_BACK_SECONDS, every=READ_BACK_EVERY)
    if took is None:
        raise DriverError(
            f"the Envoy at {admin.place} did not load {stat} version {version} in {READ_BACK_SECONDS:g} s"
        )
    if took is False:
        raise ConfigRejectedError(f"Envoy refused the new {stat.rsplit('.', 1)[-1]}: {why_refused(admin)}")


def why_refused(admin: Admin) -> str:
    """What the Envoy's configuration dump says about refused resources."""
    try:
        text = json.dumps(admin.get_json("/config_dump"))
    except AdminError as error:
        return str(error)
    marker = '"details": "'
    found = text.split(marker, 1)
    return found[1].split('", "', 1)[0][:500] if len(found) > 1 else "it gives no reason"
