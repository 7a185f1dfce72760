"""A user's container as a backend: how a Backend names it, and the name under which an engine finds it. Pure.

A Backend with the annotation `egx.dev/container` stands for a container by its name (`shop-web`), or for all containers
of a compose service (`shop/web`: project, then service). Its endpoint is the container's alias in EGX's network.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from gateways.spec.base import DNS_LABEL, LABEL_LENGTH, Problem
from gateways.spec.objects import Backend

CONTAINER_ANNOTATION = "egx.dev/container"
DOMAIN = "egx.internal"
"""`.internal` is nobody's on the Internet: a name that Docker does not know, since its container is gone, must not be
somebody else's host. `web.dev` could be."""
LONGEST = 128
"""Of a container's, project's or service's name."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def is_identity(text: str) -> bool:
    """Whether it names a container, or a compose service."""
    parts = text.split("/")
    return len(parts) in {1, 2} and all(len(part) <= LONGEST and _NAME.fullmatch(part) for part in parts)


def alias_of(identity: str) -> str:
    """The DNS name of the container, or of all containers of the service, in EGX's network."""
    project, slash, name = identity.rpartition("/")
    return f"{_label(name)}.{_label(project)}.compose.{DOMAIN}" if slash else f"{_label(name)}.container.{DOMAIN}"


def _label(name: str) -> str:
    """As DNS has it; what it cannot have is told apart by a digest."""
    if len(name) <= LABEL_LENGTH and DNS_LABEL.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{short(name, LABEL_LENGTH - 9)}-{digest}"


def short(name: str, length: int) -> str:
    """What of a name fits into an object's."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:length].strip("-") or "container"


def identity_of(backend: object) -> str:
    """Which container the backend stands for; empty where it is an ordinary one."""
    return backend.metadata.annotations.get(CONTAINER_ANNOTATION, "") if isinstance(backend, Backend) else ""


def problems(backends: Iterable[object]) -> list[Problem]:
    """Of Backends that name a container, and not rightly."""
    found = {found.ref: found for found in backends if isinstance(found, Backend) and identity_of(found)}
    return [problem for backend in found.values() for problem in _problems(backend)]


def _problems(backend: Backend) -> Iterable[Problem]:
    identity = identity_of(backend)
    if not is_identity(identity):
        yield Problem(
            message=f"{identity[:60]!r} is no name of a container",
            hint="write a container's name, or PROJECT/SERVICE of a compose service",
            ref=backend.ref,
            path=("metadata", "annotations", CONTAINER_ANNOTATION),
        )
        return
    alias = alias_of(identity)
    for index, endpoint in enumerate(backend.spec.endpoints):
        if endpoint.fqdn is None or endpoint.fqdn.hostname != alias:
            yield Problem(
                message=f"container {identity} is reached as {alias}",
                hint=f"write `fqdn: {{hostname: {alias}, port: …}}`, or leave the annotation out",
                ref=backend.ref,
                path=("spec", "endpoints", index),
            )
