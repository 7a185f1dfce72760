from __future__ import annotations

from typing import ClassVar

from django.db import models

from deployments.models.operation import BUILDS, Operation


class BuildManager(models.Manager["Build"]):
    def get_queryset(self) -> models.QuerySet[Build]:
        return super().get_queryset().filter(kind__in=BUILDS)


class Build(Operation):
    """An operation of an image, as lists of builds show it."""

    objects: ClassVar[BuildManager] = BuildManager()

    class Meta:
        proxy = True
        ordering: ClassVar = ["-pk"]
