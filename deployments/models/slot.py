from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from gateways.models import Gateway


class SlotState(models.TextChoices):
    EMPTY = "empty"
    STARTING = "starting"
    WARM = "warm"
    SERVING = "serving"
    DRAINING = "draining"
    STOPPED = "stopped"


class Slot(models.Model):
    """One of the two places for an engine instance of a gateway."""

    gateway = models.ForeignKey(Gateway, on_delete=models.CASCADE, related_name="slots")
    name = models.CharField(max_length=10)
    state = models.CharField(max_length=20, choices=SlotState, default=SlotState.EMPTY)
    version = models.CharField(max_length=40, blank=True)
    digest = models.CharField(max_length=80, blank=True)
    generation = models.BigIntegerField(default=0)
    fence = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["gateway", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["gateway", "name"], name="one_slot_of_a_name"),
            models.UniqueConstraint(fields=["gateway"], condition=Q(state=SlotState.SERVING), name="one_serving_slot"),
            models.CheckConstraint(condition=Q(name__in=["blue", "green"]), name="blue_or_green"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"
