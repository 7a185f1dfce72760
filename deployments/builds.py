"""Asking for images to be built, and reading what the building says."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings

from deployments import services
from deployments.drivers import build_log, sources
from deployments.drivers.build_log import Piece
from deployments.drivers.registry import BUILDERS
from deployments.drivers.sources import Source
from deployments.engine.queueing import Matter
from deployments.models import Build, Operation, OperationKind
from deployments.selectors import builds
from egx_project.lib.errors import BadInputError, ForbiddenError, NotFoundError
from egx_project.lib.redact import redacted
from gateways.models import Target
from gateways.selectors import find_target

LONGEST_NAME = 300
MOST = 50
LONGEST_VALUE = 4096
LAST_BYTES = 8 * 1024
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?"
NAME = re.compile(rf"(?P<path>(?:{_HOST}/)?{_PART}(?:/{_PART})*)(?::(?P<tag>\w[\w.-]{{0,127}}))?", re.ASCII)
PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9.]+)?")
ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
SECRETIVE = re.compile(r"(?i)secret|passw|token|credential|private_?key|api_?key|access_?key")
LABEL = re.compile(r"[\w./-]{1,200}(?:=[^\x00-\x1f]{0,1000})?")
VERSION = re.compile(r"[\w.+~-]{1,128}", re.ASCII)


@dataclass(frozen=True)
class Wish:
    """A build that somebody wants."""

    name: str
    """As in `docker build --tag`; without a tag it is `latest`."""
    source: str
    """A folder of the host that builds, or a Git URL."""
    file: str = "Dockerfile"
    platforms: Sequence[str] = ()
    arguments: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    push: bool = False
    largest: int | None = None
    """Bytes; 0: any size. None: what the setting says."""
    labels: Sequence[str] = ()
    """That the image must have: `NAME`, or `NAME=VALUE`."""
    target: str = ""
    """Empty: a docker target of this node."""


def request_build(*, wish: Wish, by: str, anywhere: bool = False) -> Operation:
    """Build an image. With `anywhere`, from any folder that EGX may read.

    Raises BadInputError for a wish that is none, ForbiddenError for a folder that is not given free, ConflictError
    while another build of the image is not finished.
    """
    name, source = full_name(wish.name), sources.parse(wish.source)
    _check(wish)
    if not anywhere:
        _refuse_foreign_folder(source)
    options = {
        "source": source.as_json(),
        "file": wish.file,
        "platforms": list(dict.fromkeys(wish.platforms)),
        "arguments": dict(wish.arguments),
        "version": wish.version,
        "push": wish.push,
        "largest": settings.EGX_BUILD_LARGEST if wish.largest is None else wish.largest,
        "labels": list(dict.fromkeys(wish.labels)),
    }
    matter = Matter(subject=f"build/{name}", key=f"bd-{uuid.uuid4().hex[:16]}", target=_target(wish.target))
    return services.queue_about(matter, OperationKind.BUILD, by=by, options=options)


def full_name(text: str) -> str:
    """The name with its tag. Raises BadInputError."""
    found = NAME.fullmatch(text) if len(text) <= LONGEST_NAME else None
    if found is None:
        raise BadInputError(f"{text[:100]!r} is not an image's name", hint="as in registry.example.org/team/app:1.0")
    return f"{found['path']}:{found['tag'] or 'latest'}"


def _check(wish: Wish) -> None:
    """Raises BadInputError with everything that is wrong."""
    wrong = [f"{one!r} is not a platform, such as linux/arm64" for one in wish.platforms if not _fits(PLATFORM, one)]
    wrong += [f"{one!r} is not a label, as in NAME or NAME=VALUE" for one in wish.labels if not _fits(LABEL, one)]
    for name, value in wish.arguments.items():
        wrong += _wrong_argument(name, value)
    if wish.version and not _fits(VERSION, wish.version):
        wrong.append(f"{wish.version!r} is not a version")
    path = PurePosixPath(wish.file)
    if not wish.file.isprintable() or path.is_absolute() or ".." in path.parts or wish.file in {"", "."}:
        wrong.append(f"{wish.file!r} is not a file within what is built")
    if wish.largest is not None and wish.largest < 0:
        wrong.append("the largest size is negative")
    if max(len(wish.platforms), len(wish.labels), len(wish.arguments)) > MOST:
        wrong.append(f"more than {MOST} platforms, labels or arguments are not taken")
    if wrong:
        raise BadInputError("; ".join(wrong[:5]))


def _wrong_argument(name: str, value: str) -> list[str]:
    if not _fits(ARGUMENT, name):
        return [f"{name[:100]!r} is not the name of a build argument"]
    if len(value) > LONGEST_VALUE or "\0" in value:
        return [f"the value of {name} is too long, or has a NUL in it"]
    if SECRETIVE.search(name) or redacted(value) != value:
        return [f"{name} looks like a secret, and a build argument stays readable in the image: leave it out"]
    return []


def _fits(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.fullmatch(text) is not None


def _refuse_foreign_folder(source: Source) -> None:
    if not source.path:
        return
    there = Path(source.path).resolve()
    roots = [Path(root).expanduser().resolve() for root in settings.EGX_BUILD_ROOTS]
    if not any(there.is_relative_to(root) for root in roots):
        raise ForbiddenError(
            f"{source.path} is not below a folder that is given free for builds",
            hint="name a Git URL, or let whoever runs EGX set EGX_BUILD_ROOTS; `egx build` on that host may use any",
        )


def _target(name: str) -> Target:
    if name:
        target = find_target(name)
        if target.kind not in BUILDERS:
            raise BadInputError(
                f"images are not built on {target.kind} targets, such as {name}",
                hint=f"they are on: {', '.join(sorted(BUILDERS))}",
            )
        return target
    known = Target.objects.filter(kind__in=BUILDERS).order_by("name")
    found = known.filter(node=settings.EGX_NODE).first() or known.filter(node="").first()
    if found is None:
        raise BadInputError(
            "there is no docker target on this node to build on",
            hint="`POST /api/v1/targets` or the admin adds one; `egx get targets` lists them",
        )
    return found


def find_build(operation_id: int) -> Build:
    found = builds().filter(pk=operation_id).first()
    if found is None:
        raise NotFoundError(f"there is no build {operation_id}", hint="`egx get operations` lists all operations")
    return found


def read_log(build: Build, *, offset: int) -> Piece:
    """What the build has said after `offset`. Raises NotFoundError where its log lies on another node."""
    node = build.target.node
    if node not in {"", settings.EGX_NODE}:
        raise NotFoundError(f"the log of build {build.pk} lies on node {node}", hint="ask the EGX of that node for it")
    return build_log.read(log_folder(build.key), offset)


def last_words(build: Operation) -> str:
    """The last lines of its log; nothing where that lies on another node."""
    if build.target.node not in {"", settings.EGX_NODE}:
        return ""
    folder = log_folder(build.key)
    piece = build_log.read(folder, max(0, build_log.end(folder) - LAST_BYTES), limit=LAST_BYTES)
    return piece.text


def log_folder(key: str) -> Path:
    return Path(settings.EGX_DATA_DIR) / "builds" / key / "log"


def facts_of(build: Build) -> dict[str, Any]:
    """What its steps have found out, by name, whatever its end was."""
    facts: dict[str, Any] = {}
    for step in build.steps.all():
        facts |= step.result
    return facts
