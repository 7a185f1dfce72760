from __future__ import annotations

from typing import ClassVar

from django.db import models


class Event(models.Model):
    """One fact. Numbers grow in commit order as any reader sees them; gaps are allowed."""

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=60)
    subject = models.CharField(max_length=330)
    operation = models.BigIntegerField(null=True)
    data = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["number"]
        indexes: ClassVar = [models.Index(fields=["operation", "number"], name="event_operation")]

    def __str__(self) -> str:
        return f"{self.number} {self.kind} {self.subject}"


class EventCounter(models.Model):
    """The one row whose lock orders all events: it is held from the allocation of a number to its commit."""

    last = models.BigIntegerField(default=0)
    first_kept = models.BigIntegerField(default=1)

    def __str__(self) -> str:
        return str(self.last)
