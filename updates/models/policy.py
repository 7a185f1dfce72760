from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from gateways.models import Gateway


class Mode(models.TextChoices):
    OFF = "off"
    NOTIFY = "notify"
    AUTO = "auto"


class Signatures(models.TextChoices):
    OFF = "off"
    WARN = "warn"
    REQUIRE = "require"


SIGNATURES_ALSO = {"required": Signatures.REQUIRE, "preferred": Signatures.WARN}
"""What else people call them."""


class UpdatePolicy(models.Model):
    """How a gateway's engine may change. A gateway without a row has the defaults."""

    gateway = models.OneToOneField(Gateway, on_delete=models.CASCADE, related_name="update_policy")
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.NOTIFY)
    channel = models.CharField(max_length=40, default="envoy")
    versions = models.CharField(max_length=200, blank=True)
    """A range, such as `>=1.38,<1.41`; empty for all."""
    prereleases = models.BooleanField(default=False)
    skip_minor = models.PositiveSmallIntegerField(default=2, validators=[MinValueValidator(1)])
    """How many minor versions one update may go up at most."""
    check_seconds = models.PositiveIntegerField(default=3600, validators=[MinValueValidator(60)])

    window_days = models.CharField(max_length=27, blank=True)
    """`mon,tue,…`; empty for every day."""
    window_start = models.TimeField(null=True, blank=True)
    """Updates by themselves begin only from here …"""
    window_minutes = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(24 * 60)])
    """… for so long; 0 for the whole day."""
    window_zone = models.CharField(max_length=60, default="UTC")
    cool_down_hours = models.PositiveIntegerField(default=24)
    """A release younger than this is not put in by itself."""

    rollback = models.BooleanField(default=True)
    """A bad soak brings the old engine back."""
    soak_seconds = models.PositiveIntegerField(default=60)
    soak_requests = models.PositiveIntegerField(default=50)
    """With fewer there is no verdict, unless EGX's own probes give one."""
    soak_failures_percent = models.FloatField(default=1.0, validators=[MinValueValidator(0), MaxValueValidator(100)])
    """More requests that the engine fails than this, beyond what it was before, are bad."""
    soak_latency_factor = models.FloatField(default=3.0, validators=[MinValueValidator(1)])
    soak_latency_ms = models.PositiveIntegerField(default=50)
    """A p99 worse than both this factor and this many milliseconds above the one before is bad."""
    warm_seconds = models.PositiveIntegerField(default=300)
    """How long the old engine runs on after the switch, for a rollback at once."""
    drain_seconds = models.PositiveIntegerField(null=True, blank=True, default=60)
    """How long WebSockets and streams may stay on the old engine; empty: until the last one ends."""

    keep_backups = models.PositiveSmallIntegerField(default=10, validators=[MinValueValidator(1)])
    drill = models.BooleanField(default=False)
    """Before an update its backup is restored beside what serves, and must answer as that does."""
    signatures = models.CharField(max_length=10, choices=Signatures, default=Signatures.OFF)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "update policies"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(skip_minor__gte=1), name="skip_at_least_one_minor"),
        ]

    def __str__(self) -> str:
        return f"{self.mode} for {self.gateway}"
