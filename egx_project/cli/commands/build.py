"""`egx build`"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import click

from egx_project.cli.answers import Changed, Operation
from egx_project.cli.changes import finish, waiting_options, watch
from egx_project.cli.client import connect
from egx_project.cli.output import Output, json_option, pass_output
from egx_project.lib.errors import BadInputError

UNITS = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3, "KI": 1024, "MI": 1024**2, "GI": 1024**3}
SIZE = re.compile(r"(?P<number>[0-9]{1,15})(?P<unit>[KMG]I?)?B?", re.IGNORECASE)
ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|[\w.-]+@[\w.-]+:")


def _size(_: click.Context, __: click.Parameter, given: str | None) -> int | None:
    if given is None:
        return None
    found = SIZE.fullmatch(given.strip())
    if found is None:
        raise click.BadParameter(f"{given!r} is not a size such as 500MB or 1GiB")
    return int(found["number"]) * UNITS[(found["unit"] or "").upper()]


def _arguments(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    for name, equals, _value in pairs:
        if not name or not equals:
            raise click.BadParameter(f"{name!r} is not NAME=VALUE")
    return {name: value for name, _equals, value in pairs}


@click.command()
@click.argument("source", metavar="[FOLDER|GIT_URL]", default=".")
@click.option("-t", "--tag", "name", required=True, metavar="NAME[:TAG]", help="What the image is called.")
@click.option("--file", default="Dockerfile", metavar="DOCKERFILE", help="Within FOLDER; Dockerfile by default.")
@click.option("--platform", "platforms", multiple=True, metavar="PLATFORM", help="Such as linux/arm64. Repeatable.")
@click.option(
    "--build-arg", "arguments", multiple=True, callback=_arguments, metavar="NAME=VALUE", help="For ARG. Repeatable."
)
@click.option("--version", default="", help="Becomes the build argument VERSION.")
@click.option("--push", is_flag=True, help="Publish it in the registry that its name says.")
@click.option("--max-size", callback=_size, metavar="SIZE", help="Refuse an image that is larger, such as 500MB.")
@click.option("--require-label", "labels", multiple=True, metavar="NAME[=VALUE]", help="It must have it. Repeatable.")
@click.option("--target", default="", metavar="TARGET", help="A docker target to build on (see `egx get targets`).")
@waiting_options
@json_option
@pass_output
def build(
    output: Output,
    *,
    source: str,
    name: str,
    file: str,
    platforms: tuple[str, ...],
    arguments: dict[str, str],
    version: str,
    push: bool,
    max_size: int | None,
    labels: tuple[str, ...],
    target: str,
    wait: bool,
    timeout: float | None,
) -> None:
    """Build an image from FOLDER, here by default, or from a Git repository.

    The image is looked at before it gets its name, and whatever fails leaves the name where it was. ARG VERSION,
    BUILD_DATE and GIT_COMMIT are given to the Dockerfile. Ctrl-C ends the watching; `egx op cancel` ends the build.

    \b
      egx build -t app:1.0
      egx build https://git.example.org/team/app.git#main -t registry.example.org/app:1.0 --push
    """
    body: dict[str, Any] = {
        "name": name,
        "source": _source(source),
        "file": file,
        "platforms": list(platforms),
        "build_args": arguments,
        "version": version,
        "push": push,
        "max_size": max_size,
        "required_labels": list(labels),
        "target": target,
    }
    with connect() as client:
        changed = cast("Changed", client.post("/builds", body))
        operations = watch(client, output, changed.get("operations") or [], wait=wait, timeout=timeout)
    document = summary(operations[0]) if operations else {"operation": None}
    _print_image(output, document)
    finish(output, document, operations, wait=wait)


def _source(given: str) -> str:
    """A folder as EGX finds it from wherever it runs on this host."""
    if ADDRESS.match(given) and not Path(given).exists():
        return given
    folder = Path(given).expanduser().absolute()
    if not folder.is_dir():
        raise BadInputError(f"{given} is not a folder", hint="give a folder with a Dockerfile, or a Git URL")
    return str(folder)


def summary(operation: Operation) -> dict[str, Any]:
    """What scripts read of a build."""
    result = operation.get("result") or {}
    built, checked, source = (result.get(step) or {} for step in ("build_image", "check_image", "check_source"))
    return {
        "operation": operation.get("id"),
        "state": operation.get("state"),
        "success": operation.get("state") == "done",
        "name": str(operation.get("subject", "")).partition("/")[2],
        "image": built.get("image"),
        "method": built.get("method"),
        "size": checked.get("size"),
        "platform": checked.get("platform"),
        "commit": source.get("commit"),
        "digest": (result.get("push_image") or {}).get("digest"),
        "seconds": built.get("seconds"),
        "error": operation.get("error"),
        "hint": operation.get("hint"),
    }


def _print_image(output: Output, told: dict[str, Any]) -> None:
    if told.get("success"):
        output.line(f"{told['name']}  {told['size']} bytes, {told['platform']}  {told['image']}")
        if told["digest"]:
            output.line(f"published as {told['name']}@{told['digest']}")
