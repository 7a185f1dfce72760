"""Users and their roles."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.db import transaction

from egx_project.access.roles import Role

OWNER = "admin"
"""Who the one-time link logs in: the person that runs EGX."""


def owner() -> User:
    """The owner's user; made on the first call, without a password."""
    with transaction.atomic():
        user, created = User.objects.get_or_create(
            username=OWNER, defaults={"is_staff": True, "is_superuser": True, "password": "!"}
        )
        if created:
            user.groups.add(group(Role.ADMIN))
    return user


def group(role: Role) -> Group:
    return Group.objects.get_or_create(name=role)[0]
