"""Images built by a Docker Engine: with BuildKit where buildx is there, else by the Engine's classic builder."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from deployments.drivers import checkouts, children
from deployments.drivers.base import AbsentError, DriverError, Scope
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
from deployments.drivers.docker.api.errors import DaemonError
from deployments.drivers.docker.build_desks import Desks
from deployments.drivers.docker.daemon import Daemon
from deployments.drivers.registry import DriverSettings
from deployments.drivers.sources import Source
from egx_project.lib.clock import Clock, SystemClock

HOST = "unix:///var/run/docker.sock"
OWN_NAME = "egx-build"
"""Of images that are being built; their tag is the build's key."""
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
        self.desks = Desks(settings.data_dir / "builds")
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
            found = engine.image(name)
        if found is None:
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
                return engine.published(name)
            except DaemonError as error:
                raise DriverError(error.message, hint=LOGIN_HINT) from error

    # --- effects ------------------------------------------------------------------------------------------------

    def fence(self, scope: Scope) -> None:
        self.desks.fence(scope)

    def fetch(self, scope: Scope, source: Source, commit: str, watch: Watch) -> Checkout:
        self._begin(scope)
        if source.folder:
            return checkouts.folder(source, git=self.git)
        log = self.desks.log(scope.key)
        return checkouts.repository(
            source,
            commit,
            self.desks.of(scope.key),
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
        log = self.desks.log(scope.key)
        log.say(f"building {recipe.dockerfile} of {recipe.folder} with {METHODS[recipe.method]}")
        code = self._run(scope, *self._way(scope, recipe, name), log=log, watch=watch)
        built = self.image(name)
        if code or built is None:
            raise BuildError(f"the build failed: {_reason(log.lines)}", hint=_hint(log.lines))
        return built

    def _way(self, scope: Scope, recipe: Recipe, name: str) -> tuple[list[str], bytes]:
        """The command line, and what it is told."""
        desk = self.desks.of(scope.key)
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
        with self.desks.owned(scope), self._engine() as engine:
            if engine.image(image) is None:
                raise DriverError(
                    f"image {image[:19]} is gone since it was built", hint="somebody has removed it: build again"
                )
            repository, _, tag = name.rpartition(":")
            engine.tag(image, repository, tag)
            engine.untag(_own_name(scope.key))
            shutil.rmtree(self.desks.of(scope.key) / "source", ignore_errors=True)

    def untag(self, scope: Scope, image: str, name: str, before: str) -> None:
        with self.desks.owned(scope):
            now = self.image(name)
            if now is None or now.id != image or before == image:
                return
            with self._engine() as engine:
                # The image must not go with its last name: what is undone next looks for it.
                engine.tag(image, OWN_NAME, scope.key)
                if before and self.image(before):
                    repository, _, tag = name.rpartition(":")
                    engine.tag(before, repository, tag)
                else:
                    engine.untag(name)

    def push(self, scope: Scope, name: str, watch: Watch) -> str:
        self._begin(scope)
        log = self.desks.log(scope.key)
        log.say(f"pushing {name}")
        wish = json.dumps({"host": self.host, "name": name}).encode()
        code = self._run(scope, build_argv.program("push", self.desks.of(scope.key)), wish, log=log, watch=watch)
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
        with self.desks.owned(scope), self._engine() as engine:
            engine.untag(_own_name(scope.key))
            if image:
                _remove_nameless(engine, image)
            for name in ("source", "tmp"):
                shutil.rmtree(self.desks.of(scope.key) / name, ignore_errors=True)

    def keep_only(self, keys: Iterable[str]) -> None:
        self.desks.keep_only(keys)

    # --- inside -------------------------------------------------------------------------------------------------

    def _run(self, scope: Scope, argv: Sequence[str], stdin: bytes, *, log: BuildLog, watch: Watch) -> int:
        desk = self.desks.of(scope.key)
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
            self.desks.refuse_superseded(scope)
            watch(log.size, log.last)

        return look

    def _begin(self, scope: Scope) -> None:
        """What an attempt before has left running ends before this one does anything."""
        with self.desks.owned(scope):
            children.end_orphans(self.desks.of(scope.key), clock=self.clock)

    @contextlib.contextmanager
    def _engine(self) -> Iterator[Daemon]:
        """Raises DriverError with a sentence for whatever the Engine does not do; a build does not wait for one."""
        with contextlib.closing(Daemon(self.host)) as daemon:
            try:
                yield daemon
            except AbsentError as error:
                raise DriverError(
                    f"the Docker Engine at {self.host} does not answer: {_why(error.__cause__ or error)}",
                    hint="is it running, and may the user that runs EGX open its socket?",
                ) from error


def _own_name(key: str) -> str:
    return f"{OWN_NAME}:{key}"


def _remove_nameless(engine: Daemon, image: str) -> None:
    with contextlib.suppress(DaemonError):  # a container uses it
        found = engine.image(image)
        if found is not None and not found.get("RepoTags"):
            engine.untag(image)


def _platform(system: str, architecture: str, variant: str = "") -> str:
    known = {"x86_64": "amd64", "aarch64": "arm64"}
    return "/".join(part for part in (system, known.get(architecture, architecture), variant) if part)


def _why(error: BaseException) -> str:
    return " ".join(str(error).split())[:500]


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
