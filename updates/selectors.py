"""What others than updates themselves ask of their rows."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError

from deployments.drivers.logins import Found, Login
from egx_project.lib.sealing import unseal
from updates.models import RegistryLogin


def purpose_of(registry: str) -> str:
    """For which a password is sealed: it opens for no other registry."""
    return f"login at {registry}"


def stored_login(registry: str) -> Found:
    """EGX's own at the registry. Never raises."""
    try:
        row = RegistryLogin.objects.filter(registry=registry).first()
    except DatabaseError as error:
        return Found(problem=f"EGX's logins cannot be read: {error}")
    if row is None:
        return Found()
    password = unseal(row.sealed, key=settings.SECRET_KEY, purpose=purpose_of(registry))
    if password is None:
        return Found(problem=f"EGX's login at {registry} does not open with this EGX's key: set it again")
    return Found(login=Login(row.username, password))
