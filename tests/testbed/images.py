"""An image: made from layers and pushed, unless the registry has one of the same recipe."""

from __future__ import annotations

import hashlib
import json
import platform
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.testbed.layers import Entry, Layer, pack
from tests.testbed.places import folder, say
from tests.testbed.registry import MANIFEST, Image, Registry

RECIPE = "egx.testbed.recipe"
VERSION = "org.opencontainers.image.version"
PACKING = 2
"""Grows where images of the same recipe become others by a change of this code."""
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
CONFIG = "application/vnd.docker.container.image.v1+json"
EPOCH = "1970-01-01T00:00:00Z"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
ARCHITECTURE = ARCHITECTURES.get(platform.machine(), platform.machine())


@dataclass(frozen=True, kw_only=True)
class Recipe:
    name: str
    """What tests call it."""
    repository: str
    tag: str
    version: str
    title: str
    licenses: str
    layers: Callable[[], list[list[Entry]]]
    """Asked only where the image has to be made."""
    made_of: dict[str, str]
    """What decides the contents, besides the configuration below."""
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    user: str = ""
    working_folder: str = "/"
    ports: list[int] = field(default_factory=list)

    @property
    def reference(self) -> str:
        return f"{self.repository}:{self.tag}"

    def configuration(self) -> dict[str, Any]:
        return {
            "Entrypoint": self.entrypoint or None,
            "Cmd": self.command or None,
            "Env": [f"{name}={value}" for name, value in self.environment.items()],
            "User": self.user,
            "WorkingDir": self.working_folder,
            "ExposedPorts": {f"{port}/tcp": {} for port in self.ports},
            "Labels": {
                "org.opencontainers.image.title": self.title,
                "org.opencontainers.image.licenses": self.licenses,
                VERSION: self.version,
            },
        }

    def mark(self) -> str:
        """The same for what would become the same image."""
        said = json.dumps([PACKING, ARCHITECTURE, self.made_of, self.configuration()], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()


def ensure(recipe: Recipe, registry: Registry) -> Image:
    """Raises TestbedError."""
    stored = registry.stored(recipe.repository, recipe.tag)
    if stored is not None and stored.labels.get(RECIPE) == recipe.mark():
        digest = stored.digest
    else:
        say(f"making {recipe.reference}")
        with tempfile.TemporaryDirectory(dir=folder("tmp")) as scratch:
            layers = [pack(entries, Path(scratch) / str(n)) for n, entries in enumerate(recipe.layers())]
            digest = _push(recipe, layers, registry)
    return Image(reference=f"{registry.host}/{recipe.reference}", digest=digest, version=recipe.version)


def _push(recipe: Recipe, layers: list[Layer], registry: Registry) -> str:
    configuration = recipe.configuration()
    configuration["Labels"][RECIPE] = recipe.mark()
    config = json.dumps(
        {
            "architecture": ARCHITECTURE,
            "os": "linux",
            "created": EPOCH,
            "config": configuration,
            "rootfs": {"type": "layers", "diff_ids": [layer.unpacked for layer in layers]},
            "history": [{"created": EPOCH, "created_by": "tests.testbed"} for _ in layers],
        },
        sort_keys=True,
    ).encode()
    config_digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
    for layer in layers:
        registry.push_blob(recipe.repository, layer.digest, layer.file)
    registry.push_blob(recipe.repository, config_digest, config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "size": len(config), "digest": config_digest},
        "layers": [{"mediaType": LAYER, "size": layer.file.stat().st_size, "digest": layer.digest} for layer in layers],
    }
    return registry.push_manifest(recipe.repository, recipe.tag, manifest)
