from __future__ import annotations

from typing import ClassVar

from django.db import models

from gateways.models import Target


class ServiceState(models.TextChoices):
    OFF = "off"
    STARTING = "starting"
    ON = "on"
    STOPPING = "stopping"
    FAILED = "failed"
    """It could not be brought to what is wanted; that is tried again."""


SETTLED = (ServiceState.OFF, ServiceState.ON)


class SupportService(models.Model):
    """Whether a target has a support service."""

    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="services")
    name = models.CharField(max_length=30)
    wanted = models.BooleanField(default=False)
    state = models.CharField(max_length=20, choices=ServiceState, default=ServiceState.OFF)
    problem = models.TextField(blank=True)
    hint = models.TextField(blank=True)
    wish = models.BigIntegerField(default=0)
    """Grows with every switch: who carries an older wish out changes this row no more."""
    failures = models.PositiveIntegerField(default=0)
    """In a row."""
    not_before = models.DateTimeField(null=True, blank=True)
    """When it is tried again."""
    by = models.CharField(max_length=150, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["target__name", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["target", "name"], name="one_service_of_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.target.name}"
