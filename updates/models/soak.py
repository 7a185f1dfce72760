from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from deployments.models import Operation
from gateways.models import Gateway


class SoakState(models.TextChoices):
    WATCHING = "watching"
    PASSED = "passed"
    NO_VERDICT = "no_verdict"
    """Too little traffic, and no probe that could tell."""
    FAILED = "failed"
    OFF = "off"
    """Nothing is judged: the old slot only waits to be empty."""


class Soak(models.Model):
    """The watch on real traffic after a switch, and on the slot that was left until it is stopped."""

    gateway = models.ForeignKey(Gateway, on_delete=models.CASCADE, related_name="soaks")
    operation = models.OneToOneField(Operation, on_delete=models.CASCADE, related_name="soak")
    channel = models.CharField(max_length=40, blank=True)
    old_slot = models.CharField(max_length=10)
    old_version = models.CharField(max_length=40)
    new_slot = models.CharField(max_length=10)
    new_version = models.CharField(max_length=40)
    new_digest = models.CharField(max_length=80, blank=True)
    baseline = models.JSONField(default=dict)
    """What clients got before the switch: requests, failures, p99_ms."""
    since = models.JSONField(default=dict)
    """The counters at the switch."""
    limits = models.JSONField(default=dict)
    """As the policy had them when the change was asked for."""
    state = models.CharField(max_length=20, choices=SoakState, default=SoakState.WATCHING)
    reason = models.TextField(blank=True)
    seen = models.JSONField(default=dict)
    """The same numbers since the switch, as last looked at."""
    switched_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    warm_until = models.DateTimeField()
    drain_until = models.DateTimeField(null=True)
    """Empty: the old slot waits for its last connection."""
    judged_at = models.DateTimeField(null=True)
    over_at = models.DateTimeField(null=True)
    """The old slot is stopped, or serves again, or the gateway has had another change since."""

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["gateway"], condition=Q(over_at=None), name="one_soak_under_way"),
        ]

    def __str__(self) -> str:
        return f"soak of {self.new_version} after {self.old_version}: {self.state}"
