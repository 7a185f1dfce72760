"""Debian's packages: installed where the caller is root, or only unpacked."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.testbed.places import TestbedError, folder, say
from tests.testbed.programs import run

QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


def install(*packages: str) -> None:
    """Raises TestbedError."""
    if os.geteuid() != 0:
        raise TestbedError(f"install {', '.join(packages)}, or run this as root")
    _needs("apt-get")
    say(f"installing {', '.join(packages)}")
    wait = ["-o", "DPkg::Lock::Timeout=300"]
    run(["apt-get", *wait, "update", "-qq"], env=QUIET)
    run(["apt-get", *wait, "install", "-y", "-qq", "--no-install-recommends", *packages], env=QUIET)


def unpacked(package: str) -> Path:
    """A folder with the files of the package, in the cache. Raises TestbedError."""
    place = folder("debian") / package
    if place.is_dir():
        return place
    _needs("apt-get", "dpkg-deb")
    say(f"unpacking {package}")
    unfinished = place.with_name(f".{package}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    # apt downloads as a user of its own, which cannot write here, and warns when it cannot.
    download = ["apt-get", "-o", "APT::Sandbox::User=root", "download", "-qq", package]
    try:
        run(download, cwd=unfinished)
    except TestbedError:
        if os.geteuid() != 0:
            raise
        run(["apt-get", "update", "-qq"], env=QUIET)  # a machine that never had the lists
        run(download, cwd=unfinished)
    archive = next(unfinished.glob("*.deb"))
    run(["dpkg-deb", "-x", str(archive), str(unfinished)])
    (unfinished / "VERSION").write_text(run(["dpkg-deb", "-f", str(archive), "Version"]))
    archive.unlink()
    unfinished.rename(place)
    return place


def version(package: str) -> str:
    """Of the unpacked package, without epoch and Debian's revision."""
    return (unpacked(package) / "VERSION").read_text().strip().rpartition(":")[2].partition("-")[0]


def _needs(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            raise TestbedError(f"the testbed is made of Debian's packages, and there is no {program} here")
