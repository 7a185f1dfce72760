"""The command lines of builds, and where their programs are."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from deployments.drivers.building import Recipe

PLUGIN = "docker-buildx"
PLUGIN_FOLDERS = (
    "~/.docker/cli-plugins",
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
OFF = "off"
PROGRAM = "deployments.drivers.docker.build_program"
KEPT_ENV = ("PATH", "HOME", "LANG", "DOCKER_CONFIG", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
CODE = os.fspath(Path(__file__).parents[3])
"""Where this very code is imported from."""


def find_buildx(chosen: str) -> str:
    """The plugin that is set, or the first that is found; empty where there is none, or it is `off`."""
    if chosen:
        return "" if chosen == OFF else chosen
    on_path = shutil.which(PLUGIN)
    if on_path:
        return on_path
    for folder in PLUGIN_FOLDERS:
        file = Path(folder).expanduser() / PLUGIN
        if os.access(file, os.X_OK):
            return os.fspath(file)
    return ""


def buildkit(buildx: str, recipe: Recipe, *, tag: str, metadata: Path) -> list[str]:
    """`docker buildx build`, in the Engine's own image store."""
    return [
        buildx,
        "build",
        "--builder=default",
        "--progress=plain",
        "--provenance=false",
        f"--metadata-file={metadata}",
        f"--tag={tag}",
        f"--file={Path(recipe.folder) / recipe.dockerfile}",
        *([f"--platform={','.join(recipe.platforms)}"] if recipe.platforms else []),
        *(f"--build-arg={name}={value}" for name, value in sorted(recipe.arguments.items())),
        "--",
        recipe.folder,
    ]


def program(verb: str, desk: Path) -> list[str]:
    """EGX's own program for what goes through the Engine's API; what it is to do comes by its input."""
    return [sys.executable, "-m", PROGRAM, verb, os.fspath(desk)]


def environment(host: str, desk: Path) -> dict[str, str]:
    """Of a program: which Engine, and a folder for what is temporary."""
    kept = {name: os.environ[name] for name in KEPT_ENV if name in os.environ}
    temporary = os.fspath(desk / "tmp")
    own = {"DOCKER_HOST": host, "TMPDIR": temporary, "BUILDX_CONFIG": f"{temporary}/buildx", "PYTHONPATH": CODE}
    return {**kept, **own}
