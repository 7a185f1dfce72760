"""Names of container images, by the grammar of the distribution project and nothing beyond it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace

from egx_project.lib.errors import BadInputError

HUB = "docker.io"
HUB_HOST = "registry-1.docker.io"
"""Where Docker Hub's API is: its name is not its address."""
LONGEST_NAME = 255
"""Characters of registry and repository together."""
SCHEME = "oci://"

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REGISTRY = re.compile(rf"(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::(?P<port>[0-9]{{1,5}}))?")
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LONGEST = LONGEST_NAME + 1 + 128 + 1 + 71
_HIGHEST_PORT = 65535


@dataclass(frozen=True)
class ImageName:
    registry: str
    """With its port, where that is not https's."""
    repository: str
    tag: str = ""
    digest: str = ""
    """`sha256:<hex>`; it wins over the tag."""

    @property
    def name(self) -> str:
        return f"{self.registry}/{self.repository}"

    @property
    def host(self) -> str:
        """Of the API, with its port."""
        return HUB_HOST if self.registry == HUB else self.registry

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.registry)

    def tagged(self, tag: str) -> ImageName:
        return replace(self, tag=tag, digest="")

    def pinned(self, digest: str) -> ImageName:
        return replace(self, digest=digest)

    @property
    def url(self) -> str:
        return f"{SCHEME}{self}"

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> ImageName:
    """`docker.io/envoyproxy/gateway:v1.9.0`, `gateway`, `registry.example.org:5000/a/b@sha256:…`.

    As Docker reads them: without a registry it is Docker Hub's. Raises BadInputError.
    """
    if len(text) > _LONGEST:
        raise BadInputError(f"an image's name has at most {_LONGEST} characters, and this one has {len(text)}")
    name, _, digest = text.partition("@")
    if "@" in text and not is_digest(digest):
        raise _wrong(text, "what follows @ is no digest, which is sha256: and 64 hexadecimal digits")
    name, tag = _tag_of(text, name)
    registry, repository = _registry_of(name)
    found = _REGISTRY.fullmatch(registry)
    if not found or int(found["port"] or 1) not in range(1, _HIGHEST_PORT + 1):
        raise _wrong(text, "its registry is no host name with or without a port")
    if not _REPOSITORY.fullmatch(repository):
        raise _wrong(text, "a repository has lower-case letters, digits and single separators between them")
    if registry == HUB and "/" not in repository:
        repository = f"library/{repository}"
    if len(registry) + 1 + len(repository) > LONGEST_NAME:
        raise BadInputError(f"an image's name has at most {LONGEST_NAME} characters before its tag")
    return ImageName(registry=registry.lower(), repository=repository, tag=tag, digest=digest)


def _tag_of(text: str, name: str) -> tuple[str, str]:
    before, colon, tag = name.rpartition(":")
    if not colon or "/" in tag or tag.endswith("]"):
        return name, ""
    if not is_tag(tag):
        raise _wrong(text, "a tag has letters, digits, dots, dashes and underscores, 128 at most")
    return before, tag


def _registry_of(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost" or first != first.lower())
    registry, repository = (first, rest) if named else (HUB, name)
    return (HUB if registry in {f"index.{HUB}", HUB_HOST} else registry), repository


def _wrong(text: str, why: str) -> BadInputError:
    return BadInputError(f"{text[:100]!r} is no image name: {why}", hint="such as docker.io/envoyproxy/gateway")


def of_url(url: str) -> ImageName:
    """What `ImageName.url` was made of. Raises BadInputError."""
    if not url.startswith(SCHEME):
        raise BadInputError(f"{url[:100]!r} is no address of an image")
    return parse(url.removeprefix(SCHEME))


def registry(text: str) -> str:
    """A registry as people name it, as EGX names it. Raises BadInputError."""
    host = text.removeprefix("https://").removesuffix("/")
    host = host.removesuffix("/v1").removesuffix("/v2")
    found = _REGISTRY.fullmatch(host)
    if len(host) > LONGEST_NAME or not found or int(found["port"] or 1) not in range(1, _HIGHEST_PORT + 1):
        raise BadInputError(
            f"{text[:100]!r} is no registry", hint="it is a host name, such as docker.io or registry.example.org:5000"
        )
    return HUB if host.lower() in {f"index.{HUB}", HUB_HOST} else host.lower()


def is_tag(text: str) -> bool:
    return _TAG.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


def is_loopback(host: str) -> bool:
    """Whether the host, with or without a port, is this one by its very name. Nothing is resolved."""
    found = _REGISTRY.fullmatch(host)
    name = (found["host"] if found else host).strip("[]").lower()
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
