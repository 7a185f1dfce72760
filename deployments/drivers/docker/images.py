"""Engines as images: pulled by digest, checked, and kept by tags of EGX's own.

An image that has one of the `keep` tags is not dangling, so that `docker image prune` leaves it; what a container is
made of is never removed by Docker either.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deployments.drivers import logins
from deployments.drivers.base import DriverError, Engine, Progress, unwatched
from deployments.drivers.docker import containers, layout
from deployments.drivers.docker.api.errors import DaemonError
from deployments.drivers.docker.containers import Place
from deployments.drivers.docker.daemon import Daemon
from deployments.drivers.docker.records import Image
from deployments.drivers.docker.settings import DockerSettings
from deployments.drivers.docker.volume import Volume
from deployments.drivers.logins import IDENTITY, Login
from egx_project.lib import atomic
from egx_project.lib.images import SCHEME, ImageName, parse

KEEP_GATEWAY = "egx-keep/gateway"
KEEP_ENVOY = "egx-keep/envoy"
KEEP_FILES = "egx-keep/files"
KEEP_OTHER = "egx-keep/other"
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,39}")
SAYS_ENVOY = re.compile(r"^ENVOY_PROXY_VERSION: (?P<tag>(?:distroless-)?v(?P<version>\d[\w.+-]*))$", re.MULTILINE)
ENVOY_IN_IMAGE = "/usr/local/bin/envoy"
SECONDS_TO_SAY_VERSION = 60
TAG_LENGTH = 128
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
        found = self._kept(KEEP_GATEWAY, engine.version, digest=engine.digest)
        if found is None:
            return None
        tag, version = self._envoy_of(found)
        envoy = self._kept(KEEP_ENVOY, tag, version=version)
        return Fetched(engine=found, envoy=envoy) if envoy else None

    def files_image(self) -> str:
        """The id of the image for the container that writes files."""
        keep = (KEEP_FILES, as_tag(self.settings.files_image))
        kept = self._kept(*keep) or self._fetch(parse(self.settings.files_image), keep, unwatched)
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
            return self._fetch(found if found.digest else found.tagged(tag), keep, progress, version=tag)
        except DriverError:
            if kept is None:
                raise
            return kept

    # --- inside -----------------------------------------------------------------------------------------------------

    def _engine(self, engine: Engine, progress: Progress) -> Image:
        digest = f"sha256:{engine.artifact.sha256}" if engine.artifact else engine.digest
        kept = self._kept(KEEP_GATEWAY, engine.version, digest=digest)
        if kept is not None:
            return kept
        wanted = self._place_of(engine).pinned(digest)
        return self._fetch(wanted, (KEEP_GATEWAY, engine.version), progress)

    def _place_of(self, engine: Engine) -> ImageName:
        if engine.artifact:
            return parse(engine.artifact.url.removeprefix(SCHEME))
        tag = f"v{engine.version}" if engine.version[:1].isdigit() else engine.version
        return parse(self.settings.gateway_image).tagged(tag)

    def _envoy(self, tag: str, version: str, progress: Progress) -> Image:
        kept = self._kept(KEEP_ENVOY, tag, version=version)
        if kept is not None:
            return kept
        own = self.settings.envoy_image
        place = parse(own) if own else beside(parse(self.settings.gateway_image), "envoy")
        return self._fetch(place.tagged(tag), (KEEP_ENVOY, tag), progress, version=version)

    def _fetch(self, wanted: ImageName, keep: tuple[str, str], progress: Progress, *, version: str = "") -> Image:
        """Pull it unless its very digest is here, look at it, and keep it under the tag `keep`."""
        reference = f"{wanted.name}@{wanted.digest}" if wanted.digest else str(wanted)
        found = self.daemon.image(reference) if wanted.digest else None
        if found is None:
            self._pull(wanted, progress)
            found = self.daemon.image(reference)
        if found is None:
            raise DriverError(f"{wanted} was pulled, and is not there", hint="was it removed meanwhile? try again")
        self._refuse_other_platform(reference, found)
        self.daemon.tag(found["Id"], *keep)
        digest = wanted.digest or digest_of(found, wanted.name)
        return Image(reference=found["Id"], version=version or keep[1], digest=digest)

    def _pull(self, wanted: ImageName, progress: Progress) -> None:
        found = logins.find(wanted.registry)
        try:
            for line in self.daemon.pull(wanted.name, wanted.digest or wanted.tag or "latest", _auth(found.login)):
                _report(line, progress)
        except DaemonError as error:
            if found.problem:  # it may be why the registry refuses
                raise DaemonError(f"{error.message}; {found.problem}", hint=error.hint) from error
            raise

    def _refuse_other_platform(self, wanted: str, found: dict[str, Any]) -> None:
        info = self.daemon.info()
        machine = ARCHITECTURES.get(info.get("Architecture", ""), info.get("Architecture", ""))
        theirs = found.get("Architecture", "")
        if theirs and machine and theirs != machine:
            raise DriverError(
                f"{wanted} is made for {found.get('Os', 'linux')}/{theirs}, and Docker runs on linux/{machine}",
                hint="use an image that has this platform",
            )

    def _kept(self, repository: str, tag: str, *, version: str = "", digest: str = "") -> Image | None:
        """What was fetched before under this tag, if it has this digest, among others perhaps."""
        found = self.daemon.image(f"{repository}:{tag}")
        if found is None or (digest and digest not in {*digests(found).values(), found["Id"]}):
            return None
        return Image(reference=found["Id"], version=version or tag, digest=digest or digest_of(found))

    def _envoy_of(self, engine: Image) -> tuple[str, str]:
        """(tag, version) of the Envoy that the engine was made with, as it says itself."""
        note = self.notes / f"{engine.reference.removeprefix('sha256:')[:24]}.json"
        said = atomic.read_json(note)
        if said is None:
            found = SAYS_ENVOY.search(self._version_text(engine))
            if found is None:
                raise _no_gateway(engine)
            said = {"tag": found["tag"], "version": found["version"]}
            self.notes.mkdir(parents=True, exist_ok=True, mode=0o700)
            atomic.write_json(note, said)
        return said["tag"], said["version"]

    def _version_text(self, engine: Image) -> str:
        name = self.place.names.tool(f"version-{engine.reference.removeprefix('sha256:')[:12]}")
        spec = containers.version(engine.reference, place=self.place)
        try:
            return self.daemon.run(name, spec, seconds=SECONDS_TO_SAY_VERSION)
        except DaemonError as error:
            raise _no_gateway(engine, error.message) from error

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


def _no_gateway(engine: Image, why: str = "") -> DriverError:
    return DriverError(
        f"the image of {engine.version} does not say which Envoy it drives{f': {why}' if why else ''}",
        hint="is it an image of Envoy Gateway?",
    )


def beside(image: ImageName, name: str) -> ImageName:
    """Another image of the same place."""
    return replace(image, repository=f"{image.repository.rpartition('/')[0]}/{name}".lstrip("/"))


def as_tag(text: str) -> str:
    """A tag that tells texts apart."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", text)[-TAG_LENGTH:]


def digests(found: Mapping[str, Any]) -> dict[str, str]:
    """By repository, as the Engine writes it; none of an image that came from an archive."""
    return {name: digest for name, _, digest in (one.partition("@") for one in found.get("RepoDigests") or ())}


def digest_of(found: Mapping[str, Any], repository: str = "") -> str:
    """In the repository, or in any; the image's own id where no registry has given it one."""
    known = digests(found)
    return known.get(short(repository)) or next(iter(known.values()), str(found["Id"]))


def _auth(login: Login | None) -> dict[str, str]:
    if login is None:
        return {}
    if login.username == IDENTITY:
        return {"identitytoken": login.password}
    return {"username": login.username, "password": login.password}


def short(repository: str) -> str:
    """As the Engine writes names of Docker Hub."""
    return repository.removeprefix("docker.io/").removeprefix("library/")


def _report(line: dict[str, Any], progress: Progress) -> None:
    detail = line.get("progressDetail") or {}
    if line.get("status") == "Downloading" and detail.get("total"):
        progress(str(line.get("id", "")), int(detail.get("current", 0)), int(detail["total"]))
