"""From a source to an image that has its name, here and where it is to be published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deployments.drivers.base import DriverError
from deployments.drivers.building import BuildError, Image, Recipe, Watch
from deployments.drivers.sources import Source
from deployments.engine.step import Arguments, Result, StepContext, StepError
from deployments.models import ACTIVE, BUILDS, Operation
from deployments.steps.base import NothingToUndo, Reversible
from egx_project.events.kinds import EventKind
from egx_project.events.record import record

TELL_SECONDS = 1.0
"""Between two events that tell how far the log is."""
LONGEST_TOLD = 200


def watch(context: StepContext) -> Watch:
    """Ends the work once nobody wants it, and tells now and then that the log has grown."""
    told = {"size": 0, "at": context.clock.monotonic() - TELL_SECONDS}

    def look(size: int, line: str) -> None:
        context.go_on()
        now = context.clock.monotonic()
        if size > told["size"] and now - told["at"] >= TELL_SECONDS:
            told.update(size=size, at=now)
            with context.writing() as operation:
                record(
                    EventKind.BUILD_PROGRESS,
                    operation.subject,
                    operation=operation.pk,
                    bytes=size,
                    line=line[:LONGEST_TOLD],
                )

    return look


class CheckSource(Reversible):
    """What is built is decided once: a branch that moves, or a clock that goes on, changes no later attempt."""

    name = "check_source"
    once = True

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        context.builder.keep_only(_kept(context))
        checkout = context.builder.fetch(context.scope, Source.of(arguments["source"]), "", watch(context))
        _look_at(Path(checkout.folder), arguments["file"])
        before = context.builder.image(arguments["name"])
        return {
            "commit": checkout.commit,
            "modified": checkout.modified,
            "date": context.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "before": before.id if before else "",
        }

    def undo(self, context: StepContext, _arguments: Arguments, _result: Result) -> None:
        context.builder.discard(context.scope)


def _kept(context: StepContext) -> Iterator[str]:
    keys = Operation.objects.filter(kind__in=BUILDS).order_by("-pk").values_list("key", "state")
    for number, (key, state) in enumerate(keys):
        if number < context.patience.builds_kept or state in ACTIVE:
            yield key


def _look_at(folder: Path, dockerfile: str) -> None:
    """Raises StepError where there is nothing to build, or what is named lies elsewhere."""
    place = (folder / dockerfile).resolve()
    if not place.is_relative_to(folder.resolve()):
        raise StepError(f"{dockerfile} is not within what is built", hint="name a file of it")
    if not place.is_file():
        raise StepError(f"there is no {dockerfile} in what is built", hint="`--file` names another Dockerfile")


class BuildImage(Reversible):
    name = "build_image"
    once = True

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        found = context.result_of("check_source")
        source = Source.of(arguments["source"])
        checkout = context.builder.fetch(context.scope, source, found["commit"], watch(context))
        recipe = Recipe(
            folder=checkout.folder,
            dockerfile=arguments["file"],
            method=arguments["method"],
            platforms=tuple(arguments["platforms"]),
            arguments=_build_arguments(context.operation().options, found),
        )
        began = context.clock.monotonic()
        image = context.builder.build(context.scope, recipe, watch(context))
        return {
            "image": image.id,
            "method": recipe.method,
            "size": image.size,
            "seconds": round(context.clock.monotonic() - began, 3),
        }

    def undo(self, context: StepContext, _arguments: Arguments, result: Result) -> None:
        context.builder.discard(context.scope, str(result.get("image", "")))


def _build_arguments(options: Mapping[str, Any], found: Result) -> dict[str, str]:
    known = {"VERSION": options["version"], "BUILD_DATE": found["date"], "GIT_COMMIT": found["commit"]}
    return {**{name: value for name, value in known.items() if value}, **options["arguments"]}


class CheckImage(NothingToUndo):
    """Before it has its name."""

    name = "check_image"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        image = _image(context)
        wrong = list(problems(image, arguments))
        if wrong:
            raise BuildError(
                f"the image is not as it must be: {'; '.join(wrong)}", hint="put it right, then build again"
            )
        return {"size": image.size, "platform": image.platform, "labels": dict(image.labels)}


def problems(image: Image, limits: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the image, each as a sentence's part."""
    if limits["largest"] and image.size > limits["largest"]:
        yield f"it has {image.size} bytes, and may have {limits['largest']}"
    for label in limits["labels"]:
        name, given, value = label.partition("=")
        held = image.labels.get(name, "")
        if not held:
            yield f"it has no label {name}"
        elif given and held != value:
            yield f"its label {name} is {held!r}, not {value!r}"
    if len(limits["platforms"]) == 1 and not _is_of(image.platform, limits["platforms"][0]):
        yield f"it is for {image.platform}, not {limits['platforms'][0]}"


def _is_of(platform: str, wanted: str) -> bool:
    """`linux/arm64/v8` is what `linux/arm64` means."""
    return platform == wanted or platform.startswith(f"{wanted}/") or wanted.startswith(f"{platform}/")


def _image(context: StepContext) -> Image:
    built = str(context.result_of("build_image")["image"])
    image = context.builder.image(built)
    if image is None:
        raise DriverError(f"image {built[:19]} is gone since it was built", hint="somebody removed it: build again")
    return image


class TagImage(Reversible):
    name = "tag_image"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        context.builder.tag(context.scope, _image(context).id, arguments["name"])
        return {}

    def undo(self, context: StepContext, arguments: Arguments, _result: Result) -> None:
        built, before = context.result_of("build_image"), context.result_of("check_source")
        if built:
            context.builder.untag(context.scope, built["image"], arguments["name"], str(before.get("before", "")))


class PushImage(Reversible):
    """Layers and configuration go under their digests, and the tag last: until then nobody gets anything of it."""

    name = "push_image"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        if "published_before" not in context.operation().result:
            context.record_result(published_before=context.builder.published(arguments["name"]))
        return {"digest": context.builder.push(context.scope, arguments["name"], watch(context))}

    def undo(self, context: StepContext, arguments: Arguments, _result: Result) -> None:
        known = context.operation().result
        if "published_before" not in known:  # it had not begun
            return
        now = context.builder.published(arguments["name"])
        if now and now != known["published_before"]:
            raise StepError(
                f"{arguments['name']} is published already, as {now}",
                hint="a registry takes nothing back: push what was there before, or delete the tag in the registry",
            )
