from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models

from egx_project.access.roles import Role


class Secret(models.Model):
    """Something that whoever shows it is let in by. Only its sha256 is kept: it has 256 bits of its own."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        abstract = True


class ApiToken(Secret):
    """A user's key for scripts, good for at most `role`."""

    name = models.CharField(max_length=100)
    role = models.CharField(max_length=20, choices=Role)
    start = models.CharField(max_length=12)
    """The secret's first characters, to tell tokens apart."""
    last_used_at = models.DateTimeField(null=True, blank=True)
    """To the minute."""
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name"], condition=models.Q(revoked_at=None), name="one_token_of_a_name"),
        ]

    def __str__(self) -> str:
        return self.name

    def is_good(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at


class LoginLink(Secret):
    """A link that logs in once."""

    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"login link {self.pk} of {self.user}"
