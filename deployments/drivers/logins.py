"""Who EGX is at a container registry: asked for by whoever reads one or has an engine pull from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

IDENTITY = "<token>"
"""The user's name where the password is an identity token: as Docker's credential helpers say it."""


@dataclass(frozen=True)
class Login:
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Found:
    login: Login | None = None
    problem: str = ""
    """Why somewhere could not be looked; it is said to whom a registry then refuses."""


Source = Callable[[str], Found]
"""From a registry's name, as `egx_project.lib.images` has it, to the login there."""
_own: list[Source] = []


def add_source(source: Source) -> None:
    """Ask this one too, before Docker's own configuration. Adding it again changes nothing."""
    if source not in _own:
        _own.append(source)


def find(registry: str) -> Found:
    """EGX's own login at the registry, else the one that Docker has here. Never raises."""
    from deployments.drivers.docker import credentials  # Docker's client is large, and not everybody needs it

    problems = []
    for source in (*_own, credentials.find):
        found = source(registry)
        problems.append(found.problem)
        if found.login is not None:
            return found
    return Found(problem="; ".join(filter(None, problems)))
