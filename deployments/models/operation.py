from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from gateways.models import Gateway, Target


class OperationKind(models.TextChoices):
    DEPLOY = "deploy"
    CONFIGURE = "configure"
    REMOVE = "remove"
    UPDATE = "update"
    ROLLBACK = "rollback"
    RESTORE = "restore"
    RETIRE = "retire"
    BUILD = "build"


CONFIGURATION = (OperationKind.CONFIGURE,)
"""Level-triggered: the newest generation is applied, beside whatever else goes on."""
REPLACING = (OperationKind.UPDATE, OperationKind.ROLLBACK, OperationKind.RESTORE)
"""Another engine or configuration comes to serve, and the one that served is left."""
LIFECYCLE = (OperationKind.DEPLOY, OperationKind.REMOVE, OperationKind.RETIRE, *REPLACING)
"""One at a time for each gateway."""
BUILDS = (OperationKind.BUILD,)
"""Of images: about no gateway, and one at a time for each name."""


class OperationState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    UNDOING = "undoing"
    DONE = "done"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"


ACTIVE = (OperationState.QUEUED, OperationState.RUNNING, OperationState.UNDOING)
WORKING = (OperationState.RUNNING, OperationState.UNDOING)


class Direction(models.TextChoices):
    FORWARD = "forward"
    BACK = "back"


class Operation(models.Model):
    """One durable change, of one gateway or of one image, and who is at it."""

    kind = models.CharField(max_length=20, choices=OperationKind)
    gateway = models.ForeignKey(Gateway, on_delete=models.SET_NULL, null=True, related_name="operations")
    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="operations")
    key = models.CharField(max_length=40)
    """Names what it is about outside the database."""
    subject = models.CharField(max_length=330)
    """What it is about, in the names of events: `gateway/NAME`, `build/IMAGE`. Stays when the gateway is gone."""
    gateway_name = models.CharField(max_length=330, blank=True)
    """As people write it; empty for what is about no gateway."""

    state = models.CharField(max_length=20, choices=OperationState, default=OperationState.QUEUED)
    direction = models.CharField(max_length=10, choices=Direction, default=Direction.FORWARD)
    """Turned once, before the first undo; a crash then resumes backwards."""
    options = models.JSONField(default=dict, blank=True)
    """What was asked for."""
    choices = models.JSONField(default=dict, blank=True)
    """What its first plan decided and later attempts keep, such as which slot is the new one."""
    plan = models.TextField(blank=True)
    result = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True)
    hint = models.TextField(blank=True)

    attempt = models.PositiveIntegerField(default=0)
    fence = models.BigIntegerField(default=0)
    owner = models.CharField(max_length=400, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.CharField(max_length=150, blank=True)

    requested_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [
            models.Index(fields=["state", "target"], name="operation_state_target"),
            models.Index(fields=["gateway", "-id"], name="operation_gateway"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["gateway"],
                condition=Q(kind__in=LIFECYCLE, state__in=ACTIVE),
                name="one_lifecycle_operation",
                violation_error_message="another operation of this gateway is not finished",
            ),
            models.UniqueConstraint(
                fields=["gateway"],
                condition=Q(kind__in=CONFIGURATION, state=OperationState.QUEUED),
                name="one_waiting_configuration",
            ),
            models.UniqueConstraint(
                fields=["gateway"],
                condition=Q(kind__in=CONFIGURATION, state__in=WORKING),
                name="one_running_configuration",
            ),
            models.UniqueConstraint(
                fields=["subject"],
                condition=Q(kind__in=BUILDS, state__in=ACTIVE),
                name="one_build_of_a_name",
                violation_error_message="another build of this image is not finished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} of {self.name}"

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def name(self) -> str:
        """What it is about, as people write it."""
        return self.subject.partition("/")[2]

    @property
    def about(self) -> str:
        """The same in a sentence: `gateway demo`, `image app:1`."""
        return f"{'image' if self.kind in BUILDS else 'gateway'} {self.name}"


class StepState(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"
    DROPPED = "dropped"


BEGUN = (StepState.RUNNING, StepState.DONE, StepState.FAILED, StepState.UNDOING)
"""States in which a step may have had an effect that is not yet undone."""


UNTOLD = (StepState.PENDING, StepState.DROPPED)
"""States that no event tells of."""


class OperationStep(models.Model):
    """One line of the journal: written before its effect is begun, and after it is known."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="steps")
    index = models.PositiveIntegerField()
    name = models.CharField(max_length=60)
    cause = models.TextField()
    arguments = models.JSONField(default=dict)
    state = models.CharField(max_length=20, choices=StepState, default=StepState.PENDING)
    attempt = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["index"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["operation", "index"], name="one_step_of_an_index"),
        ]

    def __str__(self) -> str:
        return f"{self.index} {self.name}: {self.state}"
