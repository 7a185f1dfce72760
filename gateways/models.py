from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from gateways.spec import objects as written
from gateways.spec.base import ObjectMeta, ObjectRef


class TargetKind(models.TextChoices):
    PROCESS = "process"
    DOCKER = "docker"
    KUBERNETES = "kubernetes"
    FAKE = "fake"


class Target(models.Model):
    """A place where gateways run, and the node whose workers reach it."""

    name = models.CharField(max_length=63, unique=True)
    kind = models.CharField(max_length=20, choices=TargetKind)
    node = models.CharField(max_length=253, blank=True)
    """Empty: any node reaches it."""
    options = models.JSONField(default=dict, blank=True)
    """What its driver needs to reach it; no secrets."""

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class ManifestRow(models.Model):
    """An object as its author wrote it. `spec` is the object's spec in YAML's own terms."""

    namespace = models.CharField(max_length=63, default="default")
    name = models.CharField(max_length=253)
    labels = models.JSONField(default=dict, blank=True)
    annotations = models.JSONField(default=dict, blank=True)
    spec = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.ref)

    @property
    def kind_name(self) -> str:
        raise NotImplementedError

    @property
    def place(self) -> str:
        """The name as people write it: with the namespace where that is not `default`."""
        return self.name if self.namespace == "default" else f"{self.namespace}/{self.name}"

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef(kind=self.kind_name, namespace=self.namespace, name=self.name)

    def manifest(self) -> dict[str, Any]:
        """The whole object as JSON, from the row alone."""
        document = self.document()
        return {"apiVersion": written.API_VERSION_OF[self.kind_name], "kind": self.kind_name, **document}

    def document(self) -> dict[str, Any]:
        """`metadata` and `spec`, as the typed objects are read from."""
        metadata: dict[str, Any] = {"name": self.name, "namespace": self.namespace}
        for field in ("labels", "annotations"):
            if getattr(self, field):
                metadata[field] = getattr(self, field)
        return {"metadata": metadata, "spec": self.spec}

    def write_metadata(self, metadata: ObjectMeta) -> None:
        self.labels = metadata.labels
        self.annotations = metadata.annotations


class Gateway(ManifestRow):
    """A gateway. `spec` is Gateway API's without the listeners, which are rows of their own."""

    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="gateways")
    engine_version = models.CharField(max_length=40)
    generation = models.BigIntegerField(default=1, db_default=1)
    """Grows with every change of the gateway or of what is attached to it."""
    applied_generation = models.BigIntegerField(default=0)
    """The newest generation that what serves has accepted."""
    fence = models.BigIntegerField(default=0)
    """Grows with every attempt of an operation; an older attempt's effects are refused."""

    class Meta:
        ordering: ClassVar = ["namespace", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["namespace", "name"], name="one_gateway_of_a_name"),
            models.CheckConstraint(
                condition=Q(applied_generation__lte=models.F("generation")), name="applied_is_desired"
            ),
        ]

    @property
    def kind_name(self) -> str:
        return "Gateway"

    @property
    def key(self) -> str:
        """Names the gateway outside the database; never reused."""
        return gateway_key(self.pk)

    def document(self) -> dict[str, Any]:
        document = super().document()
        document["spec"] = {**self.spec, "listeners": [listener.spec for listener in self.listeners.all()]}
        return document

    def as_object(self) -> written.Gateway:
        return written.Gateway.model_validate(self.document())


def gateway_key(pk: int) -> str:
    return f"gw{pk}"


class PublishedPort(models.Model):
    """A port of a target and the one gateway that owns it."""

    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="ports")
    gateway = models.ForeignKey(Gateway, on_delete=models.CASCADE, related_name="ports")
    number = models.PositiveIntegerField()

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["target", "number"], name="one_gateway_on_a_port"),
        ]

    def __str__(self) -> str:
        return str(self.number)


class Listener(models.Model):
    gateway = models.ForeignKey(Gateway, on_delete=models.CASCADE, related_name="listeners")
    port = models.ForeignKey(PublishedPort, on_delete=models.CASCADE, related_name="listeners")
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=253)
    protocol = models.CharField(max_length=255)
    hostname = models.CharField(max_length=253, blank=True)
    spec = models.JSONField()

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["gateway", "name"], name="one_listener_of_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Backend(ManifestRow):
    """Addresses that routes name: Envoy Gateway's Backend, or a Service found by its annotation."""

    kind = models.CharField(max_length=63)

    class Meta:
        ordering: ClassVar = ["kind", "namespace", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "namespace", "name"], name="one_backend_of_a_name"),
        ]

    @property
    def kind_name(self) -> str:
        return self.kind

    def as_object(self) -> written.Backend | written.Service:
        kind = written.Service if self.kind == written.Service.KIND else written.Backend
        return kind.model_validate(self.document())


class Route(ManifestRow):
    kind = models.CharField(max_length=63)
    gateways: models.ManyToManyField[Gateway, Any] = models.ManyToManyField(Gateway, related_name="routes")
    backends: models.ManyToManyField[Backend, Any] = models.ManyToManyField(Backend, related_name="routes")

    class Meta:
        ordering: ClassVar = ["kind", "namespace", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "namespace", "name"], name="one_route_of_a_name"),
        ]

    @property
    def kind_name(self) -> str:
        return self.kind

    def as_object(self) -> written.HTTPRoute:
        return written.HTTPRoute.model_validate(self.document())


class Policy(ManifestRow):
    """An object of another API kind, kept for the runtimes whose engine reads it."""

    kind = models.CharField(max_length=63)
    api_version = models.CharField(max_length=120)

    class Meta:
        ordering: ClassVar = ["kind", "namespace", "name"]
        verbose_name_plural = "policies"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "namespace", "name"], name="one_policy_of_a_name"),
        ]

    @property
    def kind_name(self) -> str:
        return self.kind
