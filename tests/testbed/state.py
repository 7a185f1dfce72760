"""What the testbed has, for tests to read."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

from egx_project.lib import atomic
from tests.testbed.engine import Engine, NoEngineError
from tests.testbed.images import ensure
from tests.testbed.newer import Newer, NewerEngine
from tests.testbed.places import TestbedError, alone, cache
from tests.testbed.programs import Service
from tests.testbed.recipes import recipes
from tests.testbed.registry import Image, Registry

NOTE = "testbed.json"
START_IT = "run `python -m tests.testbed up`"


@dataclass(frozen=True, kw_only=True)
class Testbed:
    socket: str
    engine_version: str
    api_version: str
    registry: str
    """Host and port, as image references begin."""
    images: dict[str, Image]
    """By the names of `recipes.py`: `gateway-v1.9.0`, `envoy-1.39.0`, `busybox`, `test-backend`, `prometheus`."""
    newer: Newer | None
    """A newer engine, which only `up --newer` starts."""

    __test__ = False

    def json(self) -> dict[str, Any]:
        images = {name: {**dataclasses.asdict(image), "pinned": image.pinned} for name, image in self.images.items()}
        return {**dataclasses.asdict(self), "images": images}

    @classmethod
    def of(cls, value: dict[str, Any]) -> Self:
        images = {
            name: Image(reference=image["reference"], digest=image["digest"], version=image["version"])
            for name, image in value["images"].items()
        }
        newer = Newer(**value["newer"]) if value["newer"] else None
        return cls(**{**value, "images": images, "newer": newer})


def up(*, newer: bool = False) -> Testbed:
    """Everything there, made or started where it was not. Raises TestbedError."""
    with alone(), Registry() as registry:
        engine = Engine()
        answer = engine.up()
        registry.up()
        images = {}
        for recipe in recipes():
            images[recipe.name] = ensure(recipe, registry)
            engine.pull(images[recipe.name])
        testbed = Testbed(
            socket=engine.socket,
            engine_version=answer.version,
            api_version=answer.api_version,
            registry=registry.host,
            images=images,
            newer=None,
        )
        atomic.write_json(cache() / NOTE, testbed.json())
        further = NewerEngine()
        if newer or further.answer() is not None:
            testbed = dataclasses.replace(testbed, newer=further.newer(registry))
            atomic.write_json(cache() / NOTE, testbed.json())
        return testbed


def seen() -> Testbed:
    """What is up. Raises TestbedError where something is not, as NoEngineError where that is Docker Engine."""
    engine = Engine()
    answer = engine.answer()
    if answer is None:
        raise NoEngineError(f"no Docker Engine answers on {engine.socket}; {START_IT} as root, or start Docker Engine")
    noted = atomic.read_json(cache() / NOTE)
    if noted is None:
        raise TestbedError(f"the testbed was never made; {START_IT}")
    testbed = dataclasses.replace(Testbed.of(noted), engine_version=answer.version, api_version=answer.api_version)
    if NewerEngine().answer() is None:
        testbed = dataclasses.replace(testbed, newer=None)
    with Registry(testbed.registry) as registry:
        if not registry.answers():
            raise TestbedError(f"no registry answers on {registry.host}; {START_IT}")
        for image in testbed.images.values():
            if not registry.has(image):
                raise TestbedError(f"the registry lacks {image.pinned}; {START_IT}")
    return testbed


def down() -> list[str]:
    """What was ended: nothing but what `up` started."""
    with alone():
        return [service.name for service in Service.all() if service.end()]
