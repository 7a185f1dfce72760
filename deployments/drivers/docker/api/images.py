"""The images of a Docker Engine, and what registries have of them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

import docker.errors

from deployments.drivers.docker.api.connection import Connection, Json
from deployments.drivers.docker.api.errors import DaemonError, hint_for

UNKNOWN = ("manifest unknown", "not found", "access to the resource")
"""What registries say of a name that they do not have."""


class ImageCalls(Connection):
    def image(self, reference: str) -> Json | None:
        with self._asking(f"show image {reference}"):
            try:
                return cast("Json", self._api.inspect_image(reference))
            except docker.errors.ImageNotFound:
                return None

    def pull(self, repository: str, tag: str, auth: Mapping[str, str] | None = None) -> Iterator[Json]:
        """The Engine's own lines of progress. `tag` may be a digest. Raises DaemonError for an error inside them."""
        with self._asking(f"pull {repository}"):
            # An auth of None would make the package look for one itself, in files that may be broken.
            refused = ""
            for line in self._api.pull(repository, tag=tag, stream=True, decode=True, auth_config=dict(auth or {})):
                if "error" in line:  # read on: a stream that is read to its end leaves its connection to others
                    refused = str(line["error"])
                else:
                    yield line
            if refused:
                raise DaemonError(f"Docker could not pull {repository}, {tag}: {refused}", hint=hint_for(refused))

    def published(self, name: str) -> str:
        """The digest that the registry of the name has; empty where it has none of this name."""
        with self._asking(f"ask the registry of {name}"):
            try:
                return str(self._api.inspect_distribution(name)["Descriptor"]["digest"])
            except docker.errors.APIError as error:
                if isinstance(error, docker.errors.NotFound) or any(word in str(error) for word in UNKNOWN):
                    return ""
                raise

    def tag(self, image: str, repository: str, tag: str) -> None:
        with self._asking(f"tag {repository}:{tag}"):
            self._api.tag(image, repository, tag)

    def untag(self, reference: str) -> None:
        """Nothing where it is not there."""
        with self._asking(f"untag {reference}"), contextlib.suppress(docker.errors.ImageNotFound):
            self._api.remove_image(reference, noprune=True)

    def load(self, archive: Iterable[bytes]) -> list[str]:
        """What was loaded, as the Engine names it."""
        with self._asking("load images"):
            lines = self._api.load_image(archive)
            said = [str(line.get("stream", line.get("error", ""))) for line in lines]
        return [found for line in said for found in re.findall(r"Loaded image(?: ID)?: (\S+)", line)]
