"""Engines as images: pulled by digest, checked, and kept by tags of EGX's own.

An image that has one of the `keep` tags is not dangling, so that `docker image prune` leaves it; what a container is
made of is never removed by Docker either.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployments.drivers.base import DriverError, Engine, Progress, unwatched
from deployments.drivers.docker import containers, layout
from deployments.drivers.docker.containers import Place
from deployments.drivers.docker.daemon import Daemon
from deployments.drivers.docker.records import Image
from deployments.drivers.docker.settings import DockerSettings
from deployments.drivers.docker.volume import Volume
from egx_project.lib import atomic
from egx_project.lib.images import parse

KEEP_GATEWAY = "egx-keep/gateway"
KEEP_ENVOY = "egx-keep/envoy"
KEEP_FILES = "egx-keep/files"
KEEP_OTHER = "egx-keep/other"
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,39}")
SAYS_ENVOY = re.compile(r"^ENVOY_PROXY_VERSION: (?P<tag>(?:distroless-)?v(?P<version>\d[\w.+-]*))$", re.MULTILINE)
ENVOY_IN_IMAGE = "/usr/local/bin/envoy"
SECONDS_TO_SAY_VERSION = 60
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""As the Engine's own info names them, and as images do."""


@dataclass(frozen=True)
class Fetched:
    """An engine that is here, with the Envoy that it drives."""

    engine: Image
    envoy: Image


class Images:
    def __init__(self, daemon: Daemon, place: Place, settings: DockerSettings, notes: Path) -> None:
        self.daemon = daemon
        self.place = place
        self.settings = settings
        self.notes = notes
        """A folder for what was found out about images, by id."""

    def pull(self, engine: Engine, volume: Callable[[], Volume], progress: Progress) -> Fetched:
        """Have the engine and its Envoy here, with the digest that is asked for, and Envoy's binary in the volume."""
        if not VERSION.fullmatch(engine.version):
            raise DriverError(f"{engine.version!r} is not a version")
        found = self._engine(engine, progress)
        tag, version = self._envoy_of(found)
        envoy = self._envoy(tag, version, progress)
        self.put_envoy(envoy, volume())
        return Fetched(engine=found, envoy=envoy)

    def here(self, engine: Engine) -> Fetched | None:
        """The same, if it was pulled before."""
        found = self._kept(KEEP_GATEWAY, engine.version)
        if found is None or (engine.digest and found.digest != engine.digest):
            return None
        tag, version = self._envoy_of(found)
        envoy = self._kept(KEEP_ENVOY, tag, version=version)
        return Fetched(engine=found, envoy=envoy) if envoy else None

    def files_image(self) -> str:
        """The id of the image for the container that writes files."""
        reference = self.settings.files_image
        repository, tag = split(reference)
        kept = self._kept(KEEP_FILES, re.sub(r"[^A-Za-z0-9_.-]", "-", tag))
        if kept is None:
            kept = self._fetch(repository, tag, "", (KEEP_FILES, re.sub(r"[^A-Za-z0-9_.-]", "-", tag)), unwatched)
        return kept.reference

    def other(self, reference: str, *, newest: bool, progress: Progress) -> Image:
        """An image that is no engine. With `newest` it is pulled again; where that fails, the one here will do."""
        found = parse(reference)
        tag = found.tag or "latest"
        keep = (KEEP_OTHER, hashlib.sha256(reference.encode()).hexdigest()[:16])
        kept = self._kept(*keep, version=tag)
        if kept is not None and (not newest or found.digest):
            return kept
        try:
            return self._fetch(found.name, tag, found.digest, keep, progress, version=tag)
        except DriverError:
            if kept is None:
                raise
            return kept

    # --- inside -----------------------------------------------------------------------------------------------------

    def _engine(self, engine: Engine, progress: Progress) -> Image:
        kept = self._kept(KEEP_GATEWAY, engine.version)
        digest = f"sha256:{engine.artifact.sha256}" if engine.artifact else engine.digest
        if kept is not None and digest in {"", kept.digest}:
            return kept
        repository, tag = self._place_of(engine)
        return self._fetch(repository, tag, digest, (KEEP_GATEWAY, engine.version), progress)

    def _place_of(self, engine: Engine) -> tuple[str, str]:
        if engine.artifact:
            return split(engine.artifact.url.removeprefix("oci://"))
        tag = f"v{engine.version}" if engine.version[:1].isdigit() else engine.version
        return self.settings.gateway_image, tag

    def _envoy(self, tag: str, version: str, progress: Progress) -> Image:
        kept = self._kept(KEEP_ENVOY, tag, version=version)
        if kept is not None:
            return kept
        repository = self.settings.envoy_image or beside(self.settings.gateway_image, "envoy")
        return self._fetch(repository, tag, "", (KEEP_ENVOY, tag), progress, version=version)

    def _fetch(
        self, repository: str, tag: str, digest: str, keep: tuple[str, str], progress: Progress, *, version: str = ""
    ) -> Image:
        wanted = f"{repository}@{digest}" if digest else f"{repository}:{tag}"
        found = self.daemon.image(wanted)
        if found is None or not digest:
            for line in self.daemon.pull(repository, digest or tag):
                _report(line, progress)
            found = self.daemon.image(wanted)
        if found is None:
            raise DriverError(f"{wanted} was pulled, and is not there", hint="was it removed meanwhile? try again")
        self._refuse_other_platform(wanted, found)
        self.daemon.tag(found["Id"], *keep)
        return _image(found, version=version or keep[1], repository=repository)

    def _refuse_other_platform(self, wanted: str, found: dict[str, Any]) -> None:
        info = self.daemon.info()
        machine = ARCHITECTURES.get(info.get("Architecture", ""), info.get("Architecture", ""))
        theirs = found.get("Architecture", "")
        if theirs and machine and theirs != machine:
            raise DriverError(
                f"{wanted} is made for {found.get('Os', 'linux')}/{theirs}, and Docker runs on linux/{machine}",
                hint="use an image that has this platform",
            )

    def _kept(self, repository: str, tag: str, *, version: str = "") -> Image | None:
        found = self.daemon.image(f"{repository}:{tag}")
        return _image(found, version=version or tag, repository="") if found else None

    def _envoy_of(self, engine: Image) -> tuple[str, str]:
        """(tag, version) of the Envoy that the engine was made with, as it says itself."""
        note = self.notes / f"{engine.reference.removeprefix('sha256:')[:24]}.json"
        said = atomic.read_json(note)
        if said is None:
            text = self.daemon.run(
                self.place.names.tool(f"version-{engine.reference.removeprefix('sha256:')[:12]}"),
                containers.version(engine.reference, place=self.place),
                seconds=SECONDS_TO_SAY_VERSION,
            )
            found = SAYS_ENVOY.search(text)
            if found is None:
                raise DriverError(
                    f"the image of {engine.version} does not say which Envoy it drives",
                    hint="is it an image of Envoy Gateway?",
                )
            said = {"tag": found["tag"], "version": found["version"]}
            self.notes.mkdir(parents=True, exist_ok=True, mode=0o700)
            atomic.write_json(note, said)
        return said["tag"], said["version"]

    def put_envoy(self, envoy: Image, volume: Volume) -> None:
        """Envoy Gateway starts what lies here, and downloads nothing."""
        path = layout.envoy(envoy.digest, envoy.version)
        if volume.has(path):
            return
        name = self.place.names.tool(f"envoy-{envoy.reference.removeprefix('sha256:')[:12]}")
        self.daemon.remove(name)
        container = self.daemon.create(name, containers.never_run(envoy.reference, place=self.place))
        try:
            volume.unpack(self.daemon.get(container, ENVOY_IN_IMAGE), path, mode=0o755)
        finally:
            self.daemon.remove(container)


def split(reference: str) -> tuple[str, str]:
    """(repository, tag)."""
    head, colon, tag = reference.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (reference, "latest")


def beside(repository: str, name: str) -> str:
    """Another image of the same place."""
    return f"{repository.rpartition('/')[0]}/{name}"


def _image(found: dict[str, Any], *, version: str, repository: str) -> Image:
    digests = [one.partition("@") for one in found.get("RepoDigests") or ()]
    own = [digest for name, _, digest in digests if repository and short(name) == short(repository)]
    digest = next(iter([*own, *(digest for _name, _, digest in digests)]), found["Id"])
    return Image(reference=found["Id"], version=version, digest=digest)


def short(repository: str) -> str:
    """As the Engine writes names of Docker Hub."""
    return repository.removeprefix("docker.io/").removeprefix("library/")


def _report(line: dict[str, Any], progress: Progress) -> None:
    detail = line.get("progressDetail") or {}
    if line.get("status") == "Downloading" and detail.get("total"):
        progress(str(line.get("id", "")), int(detail.get("current", 0)), int(detail["total"]))
