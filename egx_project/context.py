"""What every page shows: who is logged in, what they may, and which EGX this is."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from egx_project.access.roles import Action, may, role_of
from egx_project.version import version


def everywhere(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    return {"role": role_of(user), "may_change": may(user, Action.CHANGE), "version": version()}
