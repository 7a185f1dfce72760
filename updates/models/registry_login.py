from __future__ import annotations

from typing import ClassVar

from django.db import models


class RegistryLogin(models.Model):
    """Who EGX is at a container registry."""

    registry = models.CharField(max_length=255, primary_key=True)
    """As `egx_project.lib.images` names it, with its port where that is not https's."""
    username = models.CharField(max_length=255)
    sealed = models.TextField()
    """The password, with a key that is derived from SECRET_KEY for this registry."""
    by = models.CharField(max_length=150, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["registry"]

    def __str__(self) -> str:
        return f"{self.username} at {self.registry}"
