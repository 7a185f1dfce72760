"""Images built by a Docker Engine: with BuildKit where buildx is there, else by the Engine's classic builder."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from filelock import FileLock

from deployments.drivers import checkouts, children
from deployments.drivers.base import DriverError, FencedError, Scope
from deployments.drivers.build_log import BuildLog
from deployments.drivers.building import (
    METHODS,
    Builder,
    BuildError,
    BuildObservation,
    Checkout,
    Image,
    Recipe,
    Watch,
)
from deployments.drivers.docker import build_argv
from deployments.drivers.registry import DriverSettings
from deployments.drivers.sources import Source
from egx_project.lib import atomic
from egx_project.lib.clock import Clock, SystemClock

UNIX = "unix://"
HOST = f"{UNIX}/var/run/docker.sock"
OWN_NAME = "egx-build"
"""Of images that are being built; their tag is the build's key."""
ASK_SECONDS = 60
UNKNOWN = ("manifest unknown", "not found", "access to the resource")
"""What registries say of a name that they do not have."""
LOGIN_HINT = "is the registry there, and is the user that runs EGX logged in (`docker login`)?"
DIGEST = re.compile(r"\bdigest: (sha256:[0-9a-f]{64})")
"""How an Engine says what the registry has, in its own words or in those of `build_program`."""
CONTAINERD = "io.containerd.snapshotter"


def make(options: Mapping[str, Any], settings: DriverSettings) -> Builder:
    return DockerBuilder(str(options.get("host") or settings.docker.host or HOST), settings)


class DockerBuilder:
    kind = "docker"

    def __init__(self, host: str, settings: DriverSettings, *, clock: Clock | None = None) -> None:
        self.host = host
        self.home = settings.data_dir / "builds"
        self.buildx = settings.buildx
        self.git = shutil.which("git") or ""
        self.clock = clock or SystemClock()

    # --- looking ------------------------------------------------------------------------------------------------

    def observe(self, key: str) -> BuildObservation:
        with self._engine() as engine:
            told = engine.info()
        store = str(dict(told.get("DriverStatus") or ()).get("driver-type", ""))
        return BuildObservation(
            key=key,
            method="buildkit" if build_argv.find_buildx(self.buildx) else "classic",
            version=str(told["ServerVersion"]),
            platform=_platform(str(told["OSType"]), str(told["Architecture"])),
            many_platforms=store.startswith(CONTAINERD),
        )

    def image(self, name: str) -> Image | None:
        with self._engine() as engine:
            try:
                found = _inspected(engine, name)
            except ImageNotFound:
                return None
        return Image(
            id=str(found["Id"]),
            size=int(found["Size"]),
            platform=_platform(str(found["Os"]), str(found["Architecture"]), str(found.get("Variant") or "")),
            labels=dict((found.get("Config") or {}).get("Labels") or {}),
        )

    def published(self, name: str) -> str:
        with self._engine() as engine:
            try:
                return str(cast("Any", engine).inspect_distribution(name)["Descriptor"]["digest"])
            except NotFound:
                return ""
            except APIError as error:
                if any(word in str(error) for word in UNKNOWN):
                    return ""
                raise DriverError(f"the registry of {name} cannot be asked: {_why(error)}", hint=LOGIN_HINT) from error

    # --- effects ------------------------------------------------------------------------------------------------

    def fence(self, scope: Scope) -> None:
        self._desk(scope.key).mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked(scope.key):
            if scope.fence < self._newest_fence(scope.key):
                raise _superseded(scope)
            atomic.remove_leftovers(self._desk(scope.key))
            atomic.write_json(self._desk(scope.key) / "fence.json", scope.fence)

    def fetch(self, scope: Scope, source: Source, commit: str, watch: Watch) -> Checkout:
        self._begin(scope)
        if source.folder:
            return checkouts.folder(source, git=self.git)
        log = self._log(scope.key)
        return checkouts.repository(
            source,
            commit,
            self._desk(scope.key),
            git=self.git,
            log=log,
            look=self._look(scope, log, watch),
            clock=self.clock,
        )

    def build(self, scope: Scope, recipe: Recipe, watch: Watch) -> Image:
        self._begin(scope)
        name = _own_name(scope.key)
        built = self.image(name)
        if built:  # by an attempt that did not come to say so
            return built
        log = self._log(scope.key)
        log.say(f"building {recipe.dockerfile} of {recipe.folder} with {METHODS[recipe.method]}")
        code = self._run(scope, *self._way(scope, recipe, name), log=log, watch=watch)
        built = self.image(name)
        if code or built is None:
            raise BuildError(f"the build failed: {_reason(log.lines)}", hint=_hint(log.lines))
        return built

    def _way(self, scope: Scope, recipe: Recipe, name: str) -> tuple[list[str], bytes]:
        """The command line, and what it is told."""
        desk = self._desk(scope.key)
        if recipe.method == "buildkit":
            buildx = build_argv.find_buildx(self.buildx)
            argv = build_argv.buildkit(buildx, recipe, tag=name, metadata=desk / "metadata.json")
            return argv, b""
        wish = {
            "host": self.host,
            "folder": recipe.folder,
            "dockerfile": recipe.dockerfile,
            "tag": name,
            "arguments": dict(recipe.arguments),
            "platform": ",".join(recipe.platforms),
        }
        return build_argv.program("build", desk), json.dumps(wish).encode()

    def tag(self, scope: Scope, image: str, name: str) -> None:
        with self._owned(scope), self._engine() as engine:
            repository, _, tag = name.rpartition(":")
            try:
                engine.tag(image, repository, tag, force=True)
            except ImageNotFound:
                raise DriverError(
                    f"image {image[:19]} is gone since it was built", hint="somebody has removed it: build again"
                ) from None
            _remove(engine, _own_name(scope.key))
            shutil.rmtree(self._desk(scope.key) / "source", ignore_errors=True)

    def untag(self, scope: Scope, image: str, name: str, before: str) -> None:
        with self._owned(scope):
            now = self.image(name)
            if now is None or now.id != image or before == image:
                return
            with self._engine() as engine:
                # The image must not go with its last name: what is undone next looks for it.
                engine.tag(image, OWN_NAME, scope.key, force=True)
                if before and self.image(before):
                    repository, _, tag = name.rpartition(":")
                    engine.tag(before, repository, tag, force=True)
                else:
                    _remove(engine, name)

    def push(self, scope: Scope, name: str, watch: Watch) -> str:
        self._begin(scope)
        log = self._log(scope.key)
        log.say(f"pushing {name}")
        wish = json.dumps({"host": self.host, "name": name}).encode()
        code = self._run(scope, build_argv.program("push", self._desk(scope.key)), wish, log=log, watch=watch)
        said = [found[1] for line in log.lines if (found := DIGEST.search(line))]
        digest = said[-1] if said else ""
        if code or not digest:
            raise BuildError(
                f"{name} cannot be pushed: {_reason(log.lines)}",
                hint=LOGIN_HINT,
            )
        there = self.published(name)
        if there != digest:
            raise BuildError(f"the registry has {there or 'nothing'} as {name}, not {digest} that was pushed")
        return digest

    def discard(self, scope: Scope, image: str = "") -> None:
        self._begin(scope)
        with self._owned(scope), self._engine() as engine:
            _remove(engine, _own_name(scope.key))
            if image:
                _remove_nameless(engine, image)
            for name in ("source", "tmp"):
                shutil.rmtree(self._desk(scope.key) / name, ignore_errors=True)

    def keep_only(self, keys: Iterable[str]) -> None:
        kept = set(keys)
        for desk in self.home.iterdir() if self.home.is_dir() else ():
            if desk.name not in kept:
                shutil.rmtree(desk, ignore_errors=True)

    # --- inside -------------------------------------------------------------------------------------------------

    def _run(self, scope: Scope, argv: Sequence[str], stdin: bytes, *, log: BuildLog, watch: Watch) -> int:
        desk = self._desk(scope.key)
        shutil.rmtree(desk / "tmp", ignore_errors=True)
        (desk / "tmp").mkdir(mode=0o700)
        try:
            return children.run(
                argv,
                folder=desk,
                env=build_argv.environment(self.host, desk),
                say=log.write,
                look=self._look(scope, log, watch),
                clock=self.clock,
                stdin=stdin,
            )
        finally:
            log.flush()
            shutil.rmtree(desk / "tmp", ignore_errors=True)

    def _look(self, scope: Scope, log: BuildLog, watch: Watch) -> Callable[[], None]:
        def look() -> None:
            if self._newest_fence(scope.key) != scope.fence:
                raise _superseded(scope)
            watch(log.size, log.last)

        return look

    def _begin(self, scope: Scope) -> None:
        """What an attempt before has left running ends before this one does anything."""
        with self._owned(scope):
            children.end_orphans(self._desk(scope.key), clock=self.clock)

    def _desk(self, key: str) -> Path:
        return self.home / key

    def _log(self, key: str) -> BuildLog:
        return BuildLog(self._desk(key) / "log")

    @contextlib.contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        try:
            with FileLock(self._desk(key) / "lock", timeout=30):
                yield
        except OSError as error:  # a full disk, a folder that is read-only: said as what it is
            raise DriverError(f"{error.filename or self._desk(key)}: {error.strerror or error}") from error

    @contextlib.contextmanager
    def _owned(self, scope: Scope) -> Iterator[None]:
        with self._locked(scope.key):
            if scope.fence != self._newest_fence(scope.key):
                raise _superseded(scope)
            yield

    def _newest_fence(self, key: str) -> int:
        return int(atomic.read_json(self._desk(key) / "fence.json") or 0)

    @contextlib.contextmanager
    def _engine(self) -> Iterator[docker.APIClient]:
        """Raises DriverError with a sentence for whatever the Engine does not do."""
        try:
            _knock(self.host)
            client = docker.APIClient(base_url=self.host, version="auto", timeout=ASK_SECONDS)
        except (DockerException, OSError) as error:
            raise DriverError(
                f"the Docker Engine at {self.host} does not answer: {_why(error)}",
                hint="is it running, and may the user that runs EGX open its socket?",
            ) from error
        try:
            yield client
        except DockerException as error:
            raise DriverError(f"the Docker Engine refused: {_why(error)}") from error
        finally:
            client.close()


def _knock(host: str) -> None:
    """Raises OSError where nobody listens; the client could tell, too, but leaves its socket open then."""
    if host.startswith(UNIX):
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.settimeout(ASK_SECONDS)
            knocking.connect(host.removeprefix(UNIX))


def _inspected(engine: docker.APIClient, image: str) -> dict[str, Any]:
    found: dict[str, Any] = cast("Any", engine).inspect_image(image)
    return found


def _superseded(scope: Scope) -> FencedError:
    return FencedError(f"attempt {scope.fence} of {scope.key} is superseded")


def _own_name(key: str) -> str:
    return f"{OWN_NAME}:{key}"


def _remove(engine: docker.APIClient, name: str) -> None:
    """Take the name away, and with the last one the image; layers that other builds may use stay as cache."""
    with contextlib.suppress(ImageNotFound):
        engine.remove_image(name, noprune=True)


def _remove_nameless(engine: docker.APIClient, image: str) -> None:
    try:
        if not _inspected(engine, image).get("RepoTags"):
            engine.remove_image(image, noprune=True)
    except (ImageNotFound, APIError):  # it is gone, or a container uses it
        return


def _platform(system: str, architecture: str, variant: str = "") -> str:
    known = {"x86_64": "amd64", "aarch64": "arm64"}
    return "/".join(part for part in (system, known.get(architecture, architecture), variant) if part)


def _why(error: Exception) -> str:
    explained = error.explanation if isinstance(error, APIError) else None
    return " ".join(str(explained or error).split())[:500]


def _reason(lines: Iterable[str]) -> str:
    """The error that the log ends with, or its last words."""
    told = [line.strip() for line in lines if line.strip()]
    errors = [line for line in told if line.startswith(("ERROR", "error:"))]
    return (errors[-1].removeprefix("ERROR:").strip() if errors else " / ".join(told[-3:]))[:500] or "it says nothing"


def _hint(lines: Iterable[str]) -> str:
    text = "\n".join(lines)
    if "no space left" in text:
        return "free some space where the Engine keeps its images, then build again"
    if any(word in text for word in ("pull access denied", "manifest unknown", "failed to resolve", "i/o timeout")):
        return "the base image cannot be had: is its name right, and can this host reach its registry?"
    return "put the Dockerfile, or what it copies, right, then build again"
