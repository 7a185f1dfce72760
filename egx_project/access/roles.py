"""The one permission map: the API, the pages and the WebSocket ask `may`, and nothing else decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from django.db import models


class Role(models.TextChoices):
    """Each may what the one before it may; a user's is the highest of the groups of these names."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Action(StrEnum):
    VIEW = "view"
    """Read everything but secrets, and see what a change would do."""
    CHANGE = "change"
    """Change what is desired, and steer operations."""
    ADMINISTER = "administer"
    """Users, targets, other people's tokens, login links."""


MAY: Mapping[Role, frozenset[Action]] = {
    Role.VIEWER: frozenset({Action.VIEW}),
    Role.OPERATOR: frozenset({Action.VIEW, Action.CHANGE}),
    Role.ADMIN: frozenset(Action),
}
_RANK = {role: rank for rank, role in enumerate(Role)}


class SocketUser:
    """Whoever may open the Unix socket: the user that runs EGX. The file's mode is the login."""

    is_authenticated = True
    is_active = True
    username = "cli"

    def __str__(self) -> str:
        return self.username


def may(user: Any, action: Action) -> bool:  # noqa: ANN401  a user of Django's, SocketUser, or None
    role = role_of(user)
    return role is not None and action in MAY[role]


def role_of(user: Any) -> Role | None:  # noqa: ANN401
    """The user's role, lowered to that of the token that was shown; None for strangers."""
    if isinstance(user, SocketUser):
        return Role.ADMIN
    if user is None or not user.is_authenticated or not user.is_active:
        return None
    if not hasattr(user, "egx_role"):
        user.egx_role = Role.ADMIN if user.is_superuser else _highest(user.groups.values_list("name", flat=True))
    return lowest(user.egx_role, getattr(user, "egx_limit", None))


def lowest(role: Role | None, limit: Role | None) -> Role | None:
    """The lesser of the two; no limit is none."""
    if role is None or limit is None:
        return role
    return min(role, limit, key=_RANK.__getitem__)


def _highest(names: Iterable[str]) -> Role | None:
    roles = [Role(name) for name in names if name in Role.values]
    return max(roles, key=_RANK.__getitem__, default=None)
