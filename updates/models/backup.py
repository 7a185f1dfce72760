from __future__ import annotations

from typing import ClassVar

from django.db import models

from gateways.models import Gateway


class BackupState(models.TextChoices):
    GOOD = "good"
    DAMAGED = "damaged"
    MISSING = "missing"


class Backup(models.Model):
    """The catalogue's line of a backup. The files below the data directory are the truth; this can be made anew."""

    key = models.CharField(max_length=40, primary_key=True)
    kind = models.CharField(max_length=10, choices=[("gateway", "gateway"), ("instance", "instance")])
    gateway = models.ForeignKey(Gateway, on_delete=models.SET_NULL, null=True, blank=True, related_name="backups")
    gateway_name = models.CharField(max_length=330, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    engine_version = models.CharField(max_length=40, blank=True)
    size = models.BigIntegerField(default=0)
    state = models.CharField(max_length=10, choices=BackupState, default=BackupState.GOOD)
    problem = models.TextField(blank=True)
    pinned = models.BooleanField(default=False)
    """Retention leaves it alone."""
    drilled_at = models.DateTimeField(null=True, blank=True)
    """When a restore of it was last seen to answer."""
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-created_at", "-key"]

    def __str__(self) -> str:
        return self.key
