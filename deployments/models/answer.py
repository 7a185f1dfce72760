from __future__ import annotations

from django.db import models


class Answer(models.Model):
    """The first answer to a request that carried an `Idempotency-Key`; a repeat gets it again."""

    key = models.CharField(max_length=200, unique=True)
    request_sha256 = models.CharField(max_length=64)
    status = models.PositiveIntegerField()
    body = models.JSONField()
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key
