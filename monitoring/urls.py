from __future__ import annotations

from django.urls import path

from monitoring.views import applying, gateways, health, operations, overview

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("gateways/<str:namespace>/<str:name>", gateways.gateway, name="gateway"),
    path("gateways/<str:namespace>/<str:name>/remove", gateways.remove, name="remove"),
    path("operations", operations.operations, name="operations"),
    path("operations/<int:pk>", operations.operation, name="operation"),
    path("operations/<int:pk>/cancel", operations.cancel, name="cancel"),
    path("operations/<int:pk>/resume", operations.resume, name="resume"),
    path("apply", applying.apply, name="apply"),
    path("health", health.seed_health),
    path("health/live", health.live),
    path("health/ready", health.ready),
]
