"""Logins at container registries, which EGX keeps sealed."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from egx_project.lib import images
from egx_project.lib.errors import BadInputError, NotFoundError
from egx_project.lib.sealing import seal
from updates.models import RegistryLogin
from updates.selectors import purpose_of

LONGEST = 8192
"""Characters of a password: some are tokens."""


def set_login(*, registry: str, username: str, password: str, by: str) -> RegistryLogin:
    """Keep the login, in the place of the one before. Raises BadInputError."""
    name = images.registry(registry)
    if not username.strip() or ":" in username or not username.isprintable():
        raise BadInputError("a user's name at a registry is some text without a colon")
    if not password or len(password) > LONGEST or not password.isprintable():
        raise BadInputError("the password is empty, too long, or has characters that cannot be sent")
    sealed = seal(password, key=settings.SECRET_KEY, purpose=purpose_of(name))
    with transaction.atomic():
        facts = {"username": username, "sealed": sealed, "by": by}
        row, _ = RegistryLogin.objects.update_or_create(registry=name, defaults=facts)
        record(EventKind.REGISTRY_LOGIN_SET, f"registry/{name}", username=username, by=by)
    return row


def remove_login(*, registry: str, by: str) -> None:
    """Forget it. Raises NotFoundError where there is none."""
    name = images.registry(registry)
    with transaction.atomic():
        gone, _ = RegistryLogin.objects.filter(registry=name).delete()
        if not gone:
            raise NotFoundError(f"EGX has no login at {name}", hint="`egx registry list` shows those that it has")
        record(EventKind.REGISTRY_LOGIN_REMOVED, f"registry/{name}", by=by)


def logins() -> list[RegistryLogin]:
    return list(RegistryLogin.objects.all())
