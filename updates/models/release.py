from __future__ import annotations

from typing import ClassVar

from django.db import models


class Release(models.Model):
    """A version that a channel offers, as it was last seen there."""

    channel = models.CharField(max_length=40)
    version = models.CharField(max_length=40)
    published_at = models.DateTimeField(null=True, blank=True)
    yanked = models.BooleanField(default=False)
    """Taken back by its publisher, or not offered any more."""
    notes = models.TextField(blank=True)
    notes_url = models.CharField(max_length=500, blank=True)
    url = models.CharField(max_length=2000, blank=True)
    """Of what fits this platform; empty where nothing does."""
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=80, blank=True)
    """The engine's own (`sha256:<hex>`), known once it was pulled."""
    moved_from = models.CharField(max_length=80, blank=True)
    """The digest that its tag had before it moved; empty where it has not, or somebody has accepted where to."""
    signature = models.CharField(max_length=20, blank=True)
    """`signed`, `unsigned` or `unverifiable`, as it was last looked at; empty where nobody has."""
    signature_reason = models.TextField(blank=True)
    seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["channel", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["channel", "version"], name="one_release_of_a_version"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.version}"

    @property
    def pinned(self) -> str:
        """The digest with which it is offered; empty where there is nothing for this platform."""
        return f"sha256:{self.sha256}" if self.sha256 else ""


class Quarantine(models.Model):
    """A version, and the digest that it had, which failed here. Nothing puts it to use until somebody lifts this."""

    channel = models.CharField(max_length=40)
    version = models.CharField(max_length=40)
    digest = models.CharField(max_length=80, blank=True)
    reason = models.TextField()
    operation = models.BigIntegerField(null=True, blank=True)
    """In whose course it failed."""
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-at"]
        verbose_name_plural = "quarantine"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["channel", "version"], name="one_quarantine_of_a_version"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.version}: {self.reason}"


class ChannelCheck(models.Model):
    """When a channel was last asked, and how that went."""

    channel = models.CharField(max_length=40, primary_key=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    """What is known is as of then."""
    problem = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["channel"]

    def __str__(self) -> str:
        return self.channel
