"""Who looks at pages."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client

from egx_project.access import people
from egx_project.access.roles import Role


def visitor(role: Role) -> Client:
    """A browser in which a user of this role is logged in."""
    user = User.objects.create_user(f"the-{role}")
    user.groups.add(people.group(role))
    client = Client()
    client.force_login(user)
    return client
