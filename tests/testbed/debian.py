"""Debian's packages: installed where the caller is root, or only unpacked."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

from egx_project.lib import atomic
from tests.testbed.places import TestbedError, folder, say
from tests.testbed.programs import run

KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
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


def unpacked(package: str, suite: str = "") -> Path:
    """A folder with the files of the package, in the cache: of this machine's Debian, or of the suite. Raises
    TestbedError.
    """
    place = folder(f"debian/{suite}" if suite else "debian") / package
    if place.is_dir():
        return place
    _needs("apt-get", "dpkg-deb")
    say(f"unpacking {package}{suite and f' of {suite}'}")
    unfinished = place.with_name(f".{package}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    archive = _download(package, unfinished, _options(suite), own_lists=bool(suite))
    run(["dpkg-deb", "-x", str(archive), str(unfinished)])
    (unfinished / "VERSION").write_text(run(["dpkg-deb", "-f", str(archive), "Version"]))
    archive.unlink()
    unfinished.rename(place)
    return place


def version(package: str) -> str:
    """Of the unpacked package, without epoch and Debian's revision."""
    return (unpacked(package) / "VERSION").read_text().strip().rpartition(":")[2].partition("-")[0]


def _download(package: str, place: Path, options: list[str], *, own_lists: bool) -> Path:
    download = ["apt-get", *options, "download", "-qq", package]
    try:
        run(download, cwd=place)
    except TestbedError:
        if not own_lists and os.geteuid() != 0:
            raise
        run(["apt-get", *options, "update", "-qq"], env=QUIET)  # a machine that never had the lists
        run(download, cwd=place)
    return next(place.glob("*.deb"))


def _options(suite: str) -> list[str]:
    # apt downloads as a user of its own, which cannot write to the cache, and warns when it cannot.
    options = ["-o", "APT::Sandbox::User=root"]
    if not suite:
        return options
    apt = folder(f"apt/{suite}")
    sources = apt / "sources.list"
    atomic.write_bytes(sources, f"deb [signed-by={KEYS}] {_archive()} {suite} main\n".encode(), mode=0o644)
    for needed in ("lists/partial", "cache/archives/partial"):
        (apt / needed).mkdir(parents=True, exist_ok=True)
    own = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": apt / "lists",
        "Dir::Cache": apt / "cache",
    }
    return [*options, *(part for name, value in own.items() for part in ("-o", f"{name}={value}"))]


def _archive() -> str:
    """From where this machine has its own packages."""
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    shown = run(["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages"])
    for release, _, address in (line.partition(" ") for line in shown.splitlines()):
        if release == codename:
            return address.strip()
    raise TestbedError(f"apt's sources have no {codename or 'release of this machine'}; name the archive there")


def _needs(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            raise TestbedError(f"the testbed is made of Debian's packages, and there is no {program} here")
