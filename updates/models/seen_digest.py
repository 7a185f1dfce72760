from __future__ import annotations

from typing import ClassVar

from django.db import models


class SeenDigest(models.Model):
    """The ledger of what tags have pointed at. The first digest of a tag is accepted, any other by somebody's word."""

    channel = models.CharField(max_length=40)
    repository = models.CharField(max_length=255)
    tag = models.CharField(max_length=128)
    digest = models.CharField(max_length=80)
    accepted = models.BooleanField(default=False)
    accepted_by = models.CharField(max_length=150, blank=True)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["channel", "repository", "tag", "-last_seen", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "tag", "digest"], name="one_line_of_a_tags_digest"),
        ]

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag} {self.digest}"
