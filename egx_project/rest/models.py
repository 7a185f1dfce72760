from __future__ import annotations

from typing import ClassVar

from django.db import models


class Answer(models.Model):
    """The first answer to a request that carried an `Idempotency-Key`; a repeat gets it again."""

    who = models.CharField(max_length=150)
    key = models.CharField(max_length=200)
    request_sha256 = models.CharField(max_length=64)
    status = models.PositiveIntegerField()
    body = models.TextField()
    """JSON as it was sent: a JSON column would sort it."""
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["who", "key"], name="one_answer_to_a_key")]

    def __str__(self) -> str:
        return self.key
